"""How a subscription is delivered to by its owner's wish: which delays, how many at once, how many a second.

Invariant: None is the platform's own setting, and nothing else is; what passes the table takes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from chassis.errors import BadField

MOST_DELAYS = 20
SHORTEST_DELAY = 0.1
LONGEST_DELAY = 86_400.0
MOST_CONCURRENT = 1_000
MOST_PER_SECOND = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """All that an owner may set. `retry_delays` are seconds before each retry, empty for no retry at all; `retry_jitter` is
    the part of a delay by which it is spread. Without delays there is no jitter."""

    retry_delays: tuple[float, ...] | None = None
    retry_jitter: float | None = None
    concurrency: int | None = None
    rate_per_second: float | None = None


#: Everything as the platform has it.
THE_PLATFORMS = DeliverySettings()


def broken_rules(settings: DeliverySettings) -> list[BadField]:
    """Every broken rule at once; empty when the settings are sound."""
    return [BadField(f"delivery_settings.{field}", complaint) for field, complaint in _complaints(settings)]


def _complaints(settings: DeliverySettings) -> Iterator[tuple[str, str]]:
    delays = settings.retry_delays or ()
    if len(delays) > MOST_DELAYS:
        yield "retry_schedule.delays", f"must have at most {MOST_DELAYS} entries"
        delays = ()
    for index, delay in enumerate(delays):
        if not SHORTEST_DELAY <= delay <= LONGEST_DELAY:
            yield f"retry_schedule.delays[{index}]", f"must be {SHORTEST_DELAY} to {LONGEST_DELAY:,.0f} seconds (a day)"
    # Written so that NaN breaks each of them.
    if settings.retry_jitter is not None and not 0 <= settings.retry_jitter <= 1:
        yield "retry_schedule.jitter", "must be from 0 to 1, or unset"
    if settings.concurrency is not None and not 1 <= settings.concurrency <= MOST_CONCURRENT:
        yield "concurrency", f"must be a whole number from 1 to {MOST_CONCURRENT:,}, or unset"
    if settings.rate_per_second is not None and not 0 < settings.rate_per_second <= MOST_PER_SECOND:
        yield "rate_per_second", f"must be above 0 and at most {MOST_PER_SECOND:,.0f}, or unset"
