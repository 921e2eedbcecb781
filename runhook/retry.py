"""When a call that failed is made again: a pure rule of (attempts made, error, policy, random).

Only what nobody answered for is repeated: UNAVAILABLE, and RESOURCE_EXHAUSTED where the service says when to come again
(then it stored nothing). Whether a call may be made twice at all is decided where it is made.
"""

from dataclasses import dataclass

from runhook.errors import ResourceExhausted, RunhookError, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Seconds: the first delay, doubled each time up to the longest, each moved by up to half of it either way.

    There is no count: a call is repeated until its deadline.
    """

    first_delay: float = 0.1
    longest_delay: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.first_delay <= self.longest_delay:
            raise ValueError("0 < first_delay <= longest_delay must hold")


def next_delay(attempts_made: int, error: RunhookError, policy: RetryPolicy, random: float) -> float | None:
    """Seconds to wait after attempt number `attempts_made` (1 for the first), or None: give up. `random` is in [0, 1).

    A wait that the service asked for is kept, and the delay comes on top of it, so that callers spread.

    >>> next_delay(1, Unavailable("UNAVAILABLE", "gone"), RetryPolicy(), 0.5)
    0.1
    >>> next_delay(9, Unavailable("UNAVAILABLE", "busy", retry_after=3.0), RetryPolicy(), 0.5)
    5.0
    >>> next_delay(1, RunhookError("INTERNAL", "oh"), RetryPolicy(), 0.5) is None
    True
    """
    repeatable = isinstance(error, Unavailable) or (
        isinstance(error, ResourceExhausted) and error.retry_after is not None
    )
    if not repeatable:
        return None
    # 2.0 ** 1023 is the largest that there is; no call lives that long.
    delay = min(policy.longest_delay, policy.first_delay * 2.0 ** min(attempts_made - 1, 1000))
    return (error.retry_after or 0.0) + delay * (0.5 + random)
