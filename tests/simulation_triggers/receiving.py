"""What receive_calls, close_expired and close_window do (0013, 0004, 0010). Each method is one transaction.

The window rule stands here as the SQL carries it out; `head_of_rule` lets a history ask trigger_svc/window.py, too.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tests.simulation_triggers.queueing import Queueing, Wish
from tests.simulation_triggers.rows import Call, Head, Window
from trigger_svc import window as rule

DEDUPE_MS = 7 * 24 * 3600 * 1000
#: A row that a function returns, without what only a log wants.
Answer = tuple[object, ...]


class TooLarge(Exception):
    """A call is larger than its window may be: nothing of the flush is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """One flush: calls by trigger, both in their order."""

    number: int
    calls: Sequence[tuple[int, Sequence[Call]]]
    execution_ids: Sequence[str]


class Receiving(Queueing):
    """The head-row state machine."""

    def receive(self, flush: Flush) -> list[Answer]:
        """What receive_calls returns. TooLarge undoes all of it."""
        heads = self.tables.heads
        fits = all(call.size < heads[trigger_id].max_bytes for trigger_id, calls in flush.calls for call in calls)
        before = self.tables if fits else copy.deepcopy(self.tables)
        try:
            return self._receive(flush)
        except TooLarge:
            self.tables = before
            raise

    def close_expired(self, limit: int, execution_ids: Sequence[str]) -> list[Answer]:
        """Closes the windows whose deadline has come, the oldest first."""
        due = [one for one in self.tables.heads.values() if one.deadline_at is not None and self.due(one.deadline_at)]
        due.sort(key=lambda head: head.deadline_at or 0)
        closed = [self._close(head, "deadline") for head in due[:limit]]
        return self._set_going(closed, execution_ids)

    def close_window(self, trigger_id: int, reason: str, execution_id: str) -> list[Answer]:
        """Closes a trigger's window by somebody's wish, or throws it away. `disabled` disables the trigger too."""
        head = self.tables.heads[trigger_id]
        if reason == "disabled":
            head.enabled = False
        if head.window_id is None:
            return []
        if reason == "discarded":
            window = self.tables.windows.pop(head.window_id)
            self.tables.calls = [one for one in self.tables.calls if one.window_id != window.window_id]
            size = head.window_count
            self._forget(head)
            return [("DISCARDED", trigger_id, reason, size)]
        why = "deadline" if head.deadline_at is not None and self.due(head.deadline_at) else reason
        return self._set_going([self._close(head, why)], [execution_id])

    def edit(self, trigger_id: int, threshold: int, duration: int) -> None:
        """Changes what the next windows are opened with."""
        head = self.tables.heads[trigger_id]
        head.threshold, head.duration = threshold, duration

    def enable(self, trigger_id: int) -> None:
        """Lets a disabled trigger take calls again."""
        self.tables.heads[trigger_id].enabled = True

    def due(self, deadline_at: int) -> bool:
        """Whether a deadline has come."""
        return deadline_at <= self.now

    def fits(self, head: Head, size: int) -> bool:
        """Whether the open window has room for a call."""
        return (head.window_bytes or 0) + size <= head.max_bytes

    def is_full(self, head: Head) -> bool:
        """Whether the open window has its last call."""
        return head.window_count == head.window_threshold

    def _receive(self, flush: Flush) -> list[Answer]:
        answers: list[Answer] = []
        closed: list[Window] = []
        ids = list(flush.execution_ids)
        taken: list[int] = []
        left_out: list[int] = []
        stored = 0
        opened: list[int] = []
        place = 0
        for trigger_id, calls in flush.calls:
            first, place = place + 1, place + len(calls)
            head = self.tables.heads[trigger_id]
            if not head.enabled:
                answers.append(("GONE", trigger_id))
                continue
            if head.pausing and self.rules(head.target).paused:
                answers.append(("PAUSED", trigger_id))
                continue
            answers.append(("TAKEN", trigger_id))
            taken.append(trigger_id)
            before = head.window_id
            stored += self._take(head, calls, first, closed, ids, answers, left_out)
            if head.window_id not in (None, before):
                opened.append(trigger_id)
                answers.append(("OPENED", trigger_id, (head.deadline_at or 0) - (head.opened_at or 0)))
        if stored or any(answer[0] == "CLOSED" for answer in answers) or closed:
            self.tables.groups[flush.number] = (taken, left_out or None)
        return answers + self._set_going(closed, ids)

    def _take(
        self,
        head: Head,
        calls: Sequence[Call],
        first: int,
        closed: list[Window],
        ids: list[str],
        answers: list[Answer],
        left_out: list[int],
    ) -> int:
        """One trigger's calls; how many are in. `closed` are windows whose executions are still to be made."""
        known = self._known(head, calls)
        count, full = 0, False
        for number, call in enumerate(calls):
            if number in known:
                original = known[number]
                left_out.append(first + number)
                answers.append(("DUPLICATE", first + number, original) if original else ("REFUSED", first + number))
                continue
            self._close_before(head, call, closed)
            if head.window_id is None:
                if call.size >= head.max_bytes:
                    raise TooLarge
                if head.rejecting and not full:
                    if closed:
                        answers += self._set_going(closed, ids)
                        del ids[: len(closed)]
                        closed.clear()
                    full = self.queue_is_full(head.target)
                if full:
                    left_out.append(first + number)
                    answers.append(("REFUSED", first + number))
                    self._refuse_repeats(calls, number, known)
                    continue
                self._open(head)
            self._store(head, call)
            count += 1
        self._close_before(head, None, closed)
        return count

    def _known(self, head: Head, calls: Sequence[Call]) -> dict[int, str]:
        """The calls that came before, by their number: the id of the first; of this flush or of an earlier one."""
        known: dict[int, str] = {}
        firsts: dict[str, str] = {}
        for number, call in enumerate(calls):
            if call.key is None:
                continue
            earlier = self.tables.dedupe.get((head.trigger_id, call.key))
            if earlier is not None and earlier[1] > self.now - DEDUPE_MS:
                known[number] = earlier[0]
            elif call.key in firsts:
                known[number] = firsts[call.key]
            else:
                firsts[call.key] = call.call_id
        return known

    @staticmethod
    def _refuse_repeats(calls: Sequence[Call], refused: int, known: dict[int, str]) -> None:
        """What repeats a refused call of this flush is refused as it was."""
        for number in known:
            if number > refused and calls[refused].key is not None and calls[number].key == calls[refused].key:
                known[number] = ""

    def _open(self, head: Head) -> None:
        self.tables.windows_made += 1
        window_id = self.tables.windows_made
        head.window_id, head.window_threshold = window_id, head.threshold
        head.window_count, head.window_bytes = 0, rule.EMPTY_PAYLOAD_BYTES
        head.opened_at, head.deadline_at = self.now, self.now + head.duration
        self.tables.windows[window_id] = Window(
            window_id=window_id,
            trigger_id=head.trigger_id,
            threshold=head.threshold,
            first_seq=head.next_seq,
            opened_at=self.now,
            deadline_at=head.deadline_at,
        )

    def _store(self, head: Head, call: Call) -> None:
        assert head.window_id is not None
        assert head.window_count is not None
        assert head.window_bytes is not None
        stored = replace(call, seq=head.next_seq, window_id=head.window_id, received_at=self.now)
        self.tables.calls.append(stored)
        if call.key is not None:
            self.tables.dedupe[head.trigger_id, call.key] = (call.call_id, self.now)
        head.next_seq += 1
        head.window_count += 1
        head.window_bytes += call.size

    def _close_before(self, head: Head, call: Call | None, closed: list[Window]) -> None:
        """Closes the open window if it has to close before this call, or (None) after the last one."""
        if head.window_id is None:
            return
        why = None
        if self.is_full(head):
            why = "threshold"
        elif head.deadline_at is not None and self.due(head.deadline_at):
            why = "deadline"
        elif call is not None and not self.fits(head, call.size):
            why = "bytes"
        if why is not None:
            closed.append(self._close(head, why))

    def _close(self, head: Head, reason: str) -> Window:
        window = self.tables.windows[head.window_id or 0]
        window.state, window.closed_at, window.close_reason = "CLOSED", self.now, reason
        window.size, window.bytes = head.window_count, head.window_bytes
        self._forget(head)
        return window

    @staticmethod
    def _forget(head: Head) -> None:
        head.window_id = head.window_threshold = head.window_count = head.window_bytes = None
        head.opened_at = head.deadline_at = None

    def _set_going(self, closed: Iterable[Window], execution_ids: Sequence[str]) -> list[Answer]:
        """An execution for each window, in the windows' order."""
        windows = sorted(closed, key=lambda window: window.window_id)
        if not windows:
            return []
        wishes = [self._wish(window, public_id) for window, public_id in zip(windows, execution_ids, strict=False)]
        self.enqueue(wishes)
        return [
            (
                "CLOSED",
                window.trigger_id,
                wish.public_id,
                window.close_reason,
                window.size,
                self.now - window.deadline_at,
            )
            for window, wish in zip(windows, wishes, strict=True)
        ]

    def _wish(self, window: Window, public_id: str) -> Wish:
        head = self.tables.heads[window.trigger_id]
        return Wish(
            public_id=public_id,
            target=head.target,
            trigger_id=window.trigger_id,
            window_id=window.window_id,
            call_count=window.size or 0,
            cause="webhook",
            payload_bytes=window.bytes or 0,
            plan=self.plan_of(head.target),
        )


def head_of_rule(head: Head) -> rule.Head:
    """The same head for trigger_svc/window.py."""
    window = None
    if head.window_id is not None:
        assert head.window_threshold is not None
        assert head.window_count is not None
        assert head.window_bytes is not None
        window = rule.Window(
            threshold=head.window_threshold,
            first_seq=head.next_seq - head.window_count,
            opened_at=moment(head.opened_at or 0),
            deadline_at=moment(head.deadline_at or 0),
            size=head.window_count,
            bytes=head.window_bytes,
        )
    return rule.Head(
        threshold=head.threshold,
        duration=timedelta(milliseconds=head.duration),
        max_bytes=head.max_bytes,
        next_seq=head.next_seq,
        window=window,
    )


def moment(ms: int) -> datetime:
    """A time of the model as a time."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
