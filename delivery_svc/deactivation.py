"""When an endpoint has failed for so long that its subscription is set inactive: a pure rule.

Deliveries count, not attempts, and tests never do (contract/outbound.md section 3 items 3 and 6).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class DeactivationPolicy:
    """So many deliveries in a row, or so long with failures alone. Either is switched off by None."""

    failures: int | None = 1000
    period: timedelta | None = timedelta(days=7)


def deactivate_reason(
    consecutive_failures: int, failing_since: datetime, now: datetime, policy: DeactivationPolicy
) -> str | None:
    """Why the subscription is to be set inactive, in words for its owner; None while it may go on.

    >>> since = datetime(2026, 1, 1)
    >>> deactivate_reason(1000, since, since + timedelta(hours=1), DeactivationPolicy())
    '1,000 deliveries in a row failed'
    >>> deactivate_reason(3, since, since + timedelta(days=7), DeactivationPolicy())
    'every delivery failed for 7 days'
    """
    if policy.failures is not None and consecutive_failures >= policy.failures:
        return f"{policy.failures:,} deliveries in a row failed"
    if policy.period is not None and now - failing_since >= policy.period:
        return f"every delivery failed for {_spoken(policy.period)}"
    return None


def _spoken(period: timedelta) -> str:
    hours = period / timedelta(hours=1)
    return f"{hours / 24:g} days" if hours >= 48 else f"{hours:g} hours"
