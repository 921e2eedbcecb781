"""The connections that wait for their next request.

Invariant: never more than `total` in all, the longest idle going first; none older than `seconds`. Of one origin at
most `per_origin` outlast the linger: what comes back in a burst is not closed only to be opened again a moment later.
"""

from delivery_svc.sending.connection import Connection
from delivery_svc.sending.endpoint import Origin

LINGER_SECONDS = 1.0


class IdlePool:
    """Idle connections by origin; the one last used is used first, so that the others may grow old."""

    def __init__(self, *, per_origin: int, total: int, seconds: float) -> None:
        self._per_origin = per_origin
        self._total = total
        self._seconds = seconds
        self._by_origin: dict[Origin, list[Connection]] = {}
        self._by_age: dict[Connection, None] = {}  # a dict keeps its order: the longest idle first

    def __len__(self) -> int:
        return len(self._by_age)

    def put(self, connection: Connection, now: float) -> None:
        """Keep a connection for later; `now` in monotonic seconds."""
        connection.idle_since = now
        self._by_age[connection] = None
        of_origin = self._by_origin.get(connection.origin)
        if of_origin is None:
            self._by_origin[connection.origin] = [connection]
        else:
            of_origin.append(connection)
        if len(self._by_age) > self._total:
            self._close(next(iter(self._by_age)))

    def take(self, origin: Origin) -> Connection | None:
        """A connection to this origin, no longer in the pool, or None."""
        of_origin = self._by_origin.get(origin)
        while of_origin:
            connection = of_origin.pop()
            del self._by_age[connection]
            if connection.is_usable:
                return connection
        return None

    def remove(self, connection: Connection) -> None:
        """Forget a connection, if it is here."""
        if connection not in self._by_age:
            return
        del self._by_age[connection]
        self._by_origin[connection.origin].remove(connection)

    def sweep(self, now: float) -> None:
        """Close what is too old, and what is too many for one origin; forget the origins that have none left."""
        for connection in self._outstayed(now):
            self._close(connection)
        for origin in [origin for origin, idle in self._by_origin.items() if not idle]:
            del self._by_origin[origin]

    def close(self) -> None:
        for connection in list(self._by_age):
            self._close(connection)

    def _outstayed(self, now: float) -> list[Connection]:
        outstayed: list[Connection] = []
        surplus = {origin: len(idle) - self._per_origin for origin, idle in self._by_origin.items()}
        for connection in self._by_age:
            age = now - connection.idle_since
            if age < LINGER_SECONDS:
                break
            if age > self._seconds or surplus[connection.origin] > 0:
                surplus[connection.origin] -= 1
                outstayed.append(connection)
        return outstayed

    def _close(self, connection: Connection) -> None:
        self.remove(connection)
        connection.abort()
