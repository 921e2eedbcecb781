"""A signing secret: 40 lower-case hex characters, whose text (not the 20 bytes it spells) is the HMAC key.

Invariant: it leaves the service once, in the answer that made it; at rest it is sealed and bound to its subscription. While
one rotates two live: the old one has an end, the new one has none, and the old one signs `Authorization`.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.errors import BadField, InvalidInput

DEFAULT_OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSecret:
    """What may be told of a secret. `expires_at` None: it lives until another takes its place."""

    created_at: datetime
    expires_at: datetime | None


def new_secret() -> str:
    """160 random bits in the form that receivers in the wild know."""
    return secrets.token_hex(20)


def row_name(subscription_id: int) -> str:
    """What the sealed secret is bound to; delivery_svc opens it under the same name."""
    return f"signing_secret:{subscription_id}"


def overlap(seconds: int, nanos: int) -> timedelta:
    """How long two secrets live side by side. InvalidInput unless it is 0 to 7 days in whole seconds."""
    longest = int(LONGEST_OVERLAP.total_seconds())
    if nanos or not 0 <= seconds <= longest:
        raise InvalidInput([BadField("overlap_duration", f"must be 0 to {longest:,} whole seconds (7 days)")])
    return timedelta(seconds=seconds)
