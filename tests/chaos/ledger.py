"""What came, read from the receiver's log as it grows. Invariant: whole lines only, each once, in the order of the log."""

from pathlib import Path

from tests.chaos.receiver import OK, Arrival


class Ledger:
    """`arrivals` by event id; `delivered` are the ids that were answered 200 at least once."""

    def __init__(self, log: Path) -> None:
        self.arrivals: dict[str, list[Arrival]] = {}
        self.delivered: set[str] = set()
        self.count = 0
        self._log = log
        self._offset = 0

    def read(self) -> None:
        """Take in what was written since."""
        if not self._log.exists():
            return
        with self._log.open("rb") as log:
            log.seek(self._offset)
            whole = log.read().rpartition(b"\n")[0]
        if not whole:
            return
        self._offset += len(whole) + 1
        for line in whole.split(b"\n"):
            arrival = Arrival.parse(line)
            self.arrivals.setdefault(arrival.event_id, []).append(arrival)
            self.count += 1
            if arrival.status == OK:
                self.delivered.add(arrival.event_id)
