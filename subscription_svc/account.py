"""An account and its rules, without I/O. Invariant: its number is above 0 and never changes."""

from dataclasses import dataclass
from datetime import datetime

from chassis.errors import BadField
from subscription_svc import text

ENTERPRISE, TEAM = "enterprise", "team"
LONGEST_NAME = 255
#: In a wish: the platform chooses the number.
NEXT_FREE = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A stored account. `public_id` is act_..., `plan` "enterprise" or "team"."""

    account_id: int
    public_id: str
    name: str
    plan: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What the operator says of an account to be made. `plan` is None when it is none that we know."""

    account_id: int
    name: str
    plan: str | None


def broken_rules(wish: NewAccount) -> list[BadField]:
    """Every broken rule at once; empty when the wish is sound."""
    bad = []
    if wish.account_id < NEXT_FREE:
        bad.append(BadField("account.account_id", "must be a whole number above 0, or 0 for the next free one"))
    bad += [
        BadField("account.name", complaint)
        for complaint in text.complaints(wish.name, longest=LONGEST_NAME, required=True)
    ]
    if wish.plan is None:
        bad.append(BadField("account.plan", f"must be {ENTERPRISE} or {TEAM}"))
    return bad
