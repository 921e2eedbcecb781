"""A service token and its rules, without I/O.

Invariant: its text leaves the service once, in the answer that made it, and is stored as SHA-256 alone. It holds 256 random
bits, so a slow hash would protect nothing that can be guessed.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.errors import BadField
from subscription_svc import text
from subscription_svc.rights import PERMISSION_SETS

PREFIX = "rhk_"
RANDOM_BYTES = 32
LONGEST_NAME = 255
#: What expires sooner is a mistake of a clock or of a unit.
SHORTEST_LIFE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceToken:
    """A stored token; nothing in it lets anybody in."""

    token_id: int
    account_id: int
    name: str
    permission_set: str
    #: None: never.
    expires_at: datetime | None
    created_at: datetime
    #: To within five minutes; None until the first time.
    last_used_at: datetime | None
    #: None while it is not revoked.
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What the account says of a token to be made. `expires_at` None means never."""

    name: str
    permission_set: str
    expires_at: datetime | None = None


#: Comes with every new account: without it nobody could make another.
FIRST = NewToken(name="First token", permission_set="account_admin")


def new_text() -> str:
    """ "rhk_" and 43 base64url characters."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def hash_of(token: str) -> bytes:
    """What is stored of a token's text, and what it is looked up by."""
    return hashlib.sha256(token.encode()).digest()


def broken_rules(wish: NewToken, now: datetime) -> list[BadField]:
    """Every broken rule at once; empty when the wish is sound. `now` is the database's time."""
    bad = [
        BadField("service_token.name", complaint)
        for complaint in text.complaints(wish.name, longest=LONGEST_NAME, required=True)
    ]
    if wish.permission_set not in PERMISSION_SETS:
        bad.append(BadField("service_token.permission_set", f"must be one of {', '.join(PERMISSION_SETS)}"))
    if wish.expires_at is not None and wish.expires_at < now + SHORTEST_LIFE:
        bad.append(BadField("service_token.expire_time", "must be a moment at least a minute from now, or unset"))
    return bad
