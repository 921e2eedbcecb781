"""Both logs by event number: what the publisher was told, what came to the receiver.

Invariant: some fifty bytes an event, however often it came, so that a run of a million stays small; of the receiver's log
whole lines only, each once, in its order.
"""

from array import array
from hashlib import blake2b
from pathlib import Path
from typing import Any

from tests.chaos.receiver import OK, Arrival

FIRST_RUN_ID = 100_000_001  # as bench.payload numbers its events
_STEP = 4096


class Ledger:
    """Columns by event number; a time of 0 means never. `due` is of acknowledged events alone.

    `repeats` are (number, when it was answered 200, when it came all the same, whether either came so late that its sender
    had given up); `retries` are pairs of times, of a failed
    arrival and of the next; `twice` has the further event ids of numbers that had more than one.
    """

    def __init__(self, log: Path) -> None:
        self.due = array("d")
        self.first = array("d")
        self.answered = array("d")  # 200, the latest
        self.arrivals = array("H")
        self.count = 0
        self.late = 0
        self.acknowledged = 0
        self.outstanding = 0  # acknowledged and never answered 200
        self.repeats: list[tuple[int, float, float, bool]] = []
        self.retries = array("d")
        self.twice: dict[int, set[str]] = {}
        self._ids = array("Q")
        self._last = array("d")
        self._failed = array("B")
        self._answered_late = array("B")
        self._log = log
        self._offset = 0

    def acknowledge(self, number: int, event_id: str, due: float) -> None:
        """The publisher was told so."""
        self._know(number, event_id)
        self.due[number] = due
        self.acknowledged += 1
        self.outstanding += not self.answered[number]

    def read(self) -> None:
        """Take in what the receiver wrote since."""
        if not self._log.exists():
            return
        with self._log.open("rb") as log:
            log.seek(self._offset)
            whole = log.read().rpartition(b"\n")[0]
        if not whole:
            return
        self._offset += len(whole) + 1
        for line in whole.split(b"\n"):
            self.take(Arrival.parse(line))

    def take(self, arrival: Arrival) -> None:
        """One arrival, no earlier than those before."""
        number = arrival.run_id - FIRST_RUN_ID
        self._know(number, arrival.event_id)
        self.count += 1
        self.late += arrival.late
        self.arrivals[number] += 1
        self.first[number] = self.first[number] or arrival.at
        if self.answered[number]:
            late = arrival.late or bool(self._answered_late[number])
            self.repeats.append((number, self.answered[number], arrival.at, late))
        if self._failed[number]:
            self.retries.extend((self._last[number], arrival.at))
        self._last[number], self._failed[number] = arrival.at, arrival.status != OK
        if arrival.status == OK:
            self.outstanding -= bool(self.due[number]) and not self.answered[number]
            self.answered[number] = arrival.at
            self._answered_late[number] = arrival.late

    @property
    def columns(self) -> "tuple[array[Any], ...]":
        """All of them; they are of one length."""
        seen = (self.due, self.first, self.answered, self.arrivals)
        return (*seen, self._ids, self._last, self._failed, self._answered_late)

    def _know(self, number: int, event_id: str) -> None:
        while number >= len(self.due):
            for column in self.columns:
                column.frombytes(bytes(_STEP * column.itemsize))
        digest = int.from_bytes(blake2b(event_id.encode(), digest_size=8).digest()) or 1
        if not self._ids[number]:
            self._ids[number] = digest
        elif self._ids[number] != digest:
            self.twice.setdefault(number, set()).add(event_id)
