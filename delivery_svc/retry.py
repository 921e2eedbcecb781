"""What follows an attempt: a pure rule of (attempts made, exchange, policy, random).

A 2xx is success. Everything else is retried until the schedule is used up; an endpoint that says when it wants to be
called again (429 or 503 with Retry-After) is taken at its word, within bounds. A redirect is a failure like any other.
"""

from dataclasses import dataclass
from enum import StrEnum

from delivery_svc.sending.exchange import Exchange


class Outcome(StrEnum):
    """What an attempt showed."""

    SUCCEEDED = "succeeded"
    RETRYABLE = "retryable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """`delays` are the seconds before each retry, each moved by up to `jitter` (a share of it) either way."""

    delays: tuple[float, ...] = (1.0, 5.0, 20.0, 60.0, 180.0)
    jitter: float = 0.2
    shortest_retry_after: float = 1.0
    longest_retry_after: float = 3600.0


@dataclass(frozen=True, slots=True)
class Step:
    """`delay` is the seconds until the next attempt, None when there is none: then the delivery is done."""

    outcome: Outcome
    delay: float | None


def next_step(attempts_made: int, exchange: Exchange, policy: RetryPolicy, random: float) -> Step:
    """The step after attempt number `attempts_made` (1 for the first). `random` is uniform in [0, 1).

    >>> answered = Exchange(500, ErrorClass.NONE, "", None, b"", 0.1)
    >>> next_step(1, answered, RetryPolicy(), 0.5).delay
    1.0
    >>> next_step(6, answered, RetryPolicy(), 0.5).delay is None
    True
    """
    if exchange.succeeded:
        return Step(Outcome.SUCCEEDED, None)
    if attempts_made > len(policy.delays):
        return Step(Outcome.RETRYABLE, None)
    delay = policy.delays[attempts_made - 1] * (1 + policy.jitter * (2 * random - 1))
    if exchange.retry_after is not None and exchange.status_code in (429, 503):
        delay = max(delay, min(max(exchange.retry_after, policy.shortest_retry_after), policy.longest_retry_after))
    return Step(Outcome.RETRYABLE, delay)


def longest_life(policy: RetryPolicy, timeout: float) -> float:
    """Seconds after which all attempts of a delivery have been made, if nothing keeps it waiting but its schedule.

    >>> longest_life(RetryPolicy(delays=(1.0, 9.0), jitter=0.2), timeout=10.0)
    42.0
    """
    return sum(policy.delays) * (1 + policy.jitter) + (len(policy.delays) + 1) * timeout
