"""The window rule: how a trigger's calls are cut into windows.

The statement of the rule in Python. It is carried out by the SQL function trigger.receive_calls, under the lock of the
trigger's head; a test holds the two together.

    a window opens    with a call, when none is open, at the database's time `now`; its deadline is now + duration
    it closes         when its last call makes it full           reason threshold
                      before a call at or after its deadline     reason deadline   (or by a closer, with no call at all)
                      before a call that does not fit its bytes  reason bytes
    so                a window holds 1 to threshold calls, at most max_bytes, and no call of its deadline or later; an
                      open window keeps the threshold and the deadline that it was opened with
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MOST_CALLS = 10_000
LONGEST_SECONDS = 86_400
#: What a window's payload may have in bytes, by the kind of its task.
MOST_BYTES = {"standard": 8 * 1024 * 1024, "big_data": 5 * 1024}
LARGEST_BODY = 1024 * 1024
EMPTY_PAYLOAD_BYTES = 1  # the opening bracket; each element brings its comma or the closing one


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window. `size` and `bytes` count what it holds; `close_reason` is None while it is open."""

    threshold: int
    first_seq: int
    opened_at: datetime
    deadline_at: datetime
    size: int = 0
    bytes: int = EMPTY_PAYLOAD_BYTES
    closed_at: datetime | None = None
    close_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a trigger's calls queue up: its settings, the number of its next call, its open window if any."""

    threshold: int
    duration: timedelta
    max_bytes: int
    next_seq: int = 1
    window: Window | None = None


def take_in(head: Head, sizes: Sequence[int], now: datetime) -> tuple[Head, list[Window]]:
    """Takes calls in that add `sizes` bytes each; returns the head after them and the windows that closed, in order.

    Every size is below head.max_bytes: a larger call is refused before it comes here.
    """
    closed: list[Window] = []
    for size in sizes:
        head = _close(head, closed, now, next_size=size)
        window = head.window or Window(
            threshold=head.threshold, first_seq=head.next_seq, opened_at=now, deadline_at=now + head.duration
        )
        window = replace(window, size=window.size + 1, bytes=window.bytes + size)
        head = replace(head, window=window, next_seq=head.next_seq + 1)
    return _close(head, closed, now), closed


def _close(head: Head, closed: list[Window], now: datetime, next_size: int = 0) -> Head:
    """The head without its window, if that has to close before a call of `next_size` bytes."""
    window = head.window
    reason = None
    if window is None:
        return head
    if window.size == window.threshold:
        reason = "threshold"
    elif window.deadline_at <= now:
        reason = "deadline"
    elif window.bytes + next_size > head.max_bytes:
        reason = "bytes"
    if reason is None:
        return head
    closed.append(replace(window, closed_at=now, close_reason=reason))
    return replace(head, window=None)
