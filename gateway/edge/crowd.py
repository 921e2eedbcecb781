"""How many connections are open and how much they hold, in all and from each address.

Invariant: a place is given before anything is made for a connection, and given back once, however it ends.
"""

from collections import Counter
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from gateway import metrics
from gateway.http_errors import HttpError

EXEMPT = ""
SHARE_OF_ONE = 4


@lru_cache(maxsize=4096)
def neighbourhood(address: str) -> str:
    """What counts as one address: of IPv6 a /64, since each household has one; of everything else the address itself."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"


class Crowd:
    """At most `most` connections, `most_each` of one neighbourhood; `most_bytes` of bodies, a quarter of them for one."""

    def __init__(self, *, most: int, most_each: int, most_bytes: int) -> None:
        self._connections = _Sums(most, most_each)
        self._bytes = _Sums(most_bytes, most_bytes // SHARE_OF_ONE)

    def enter(self, neighbour: str) -> "Place":
        """A place for a connection; EXEMPT counts in all alone. HttpError 503 when there is none."""
        full = self._connections.add(neighbour, 1)
        if full is not None:
            words = "too many connections" if full == EXEMPT else "too many connections from your address"
            reason = "CONNECTIONS" if full == EXEMPT else "CONNECTIONS_OF_ADDRESS"
            raise HttpError(503, f"{words}: call again", reason=reason)
        metrics.CONNECTIONS.inc()
        return Place(self._connections, self._bytes, neighbour)


class Place:
    """One connection's part of the crowd, and of the bytes that it holds."""

    def __init__(self, connections: "_Sums", held: "_Sums", neighbour: str) -> None:
        self._connections = connections
        self._bytes = held
        self._neighbour = neighbour
        self._held = 0
        self._left = False

    def hold(self, size: int) -> None:
        """So many bytes more of a body. HttpError 503 when there is no room for them."""
        if self._bytes.add(self._neighbour, size) is not None:
            raise HttpError(503, "too many bodies are on their way: call again", reason="BODIES")
        self._held += size
        metrics.BODY_BYTES.inc(size)

    def release(self) -> None:
        """Holds none any more."""
        if self._held:
            self._bytes.subtract(self._neighbour, self._held)
            metrics.BODY_BYTES.dec(self._held)
            self._held = 0

    def leave(self) -> None:
        """Gives everything back; more than once is as good as once."""
        self.release()
        if not self._left:
            self._left = True
            self._connections.subtract(self._neighbour, 1)
            metrics.CONNECTIONS.dec()


class _Sums:
    """A sum in all and for each neighbourhood; of those that have none nothing is kept."""

    def __init__(self, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._all = 0
        self._each: Counter[str] = Counter()

    def add(self, neighbour: str, size: int) -> str | None:
        """None when it was added; else whose limit is in the way: EXEMPT for that of all."""
        if self._all + size > self._most:
            return EXEMPT
        if neighbour != EXEMPT and self._each[neighbour] + size > self._most_each:
            return neighbour
        self._all += size
        self._each[neighbour] += size
        return None

    def subtract(self, neighbour: str, size: int) -> None:
        self._all -= size
        self._each[neighbour] -= size
        if not self._each[neighbour]:
            del self._each[neighbour]
