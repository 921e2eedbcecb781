"""The end of an output: however much is written, only the last bytes are kept, at a bounded cost per write."""


class Tail:
    """Keeps the last `limit` bytes. Memory stays below twice that and one write."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()
        #: How many bytes were written in all.
        self.total = 0

    def write(self, data: bytes) -> None:
        """Takes the next bytes."""
        self.total += len(data)
        self._bytes += data
        if len(self._bytes) > 2 * self._limit:
            del self._bytes[: -self._limit]

    @property
    def kept(self) -> bytes:
        """The last bytes, at most `limit`."""
        return bytes(self._bytes[-self._limit :])
