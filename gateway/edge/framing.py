"""Where one HTTP message ends in a stream of bytes.

Invariant: no piece holds bytes of two messages. So the next request is parsed when the one before it is answered, and
however many requests a client sends ahead, one is in memory as more than bytes.
"""

BLANK_LINE = b"\r\n\r\n"


class Framing:
    """Cuts the bytes of one connection: at blank lines, where heads and chunked bodies end, or by a body's length."""

    def __init__(self) -> None:
        self._length = 0
        self._tail = b""

    def expect_body(self, length: int) -> None:
        """The next `length` bytes are a body."""
        self._length = length

    def cut(self, data: bytes, start: int) -> int:
        """Where the piece ends that begins at `start`. A blank line that began in an earlier piece is seen, too."""
        if self._length:
            size = min(self._length, len(data) - start)
            self._length -= size
            return start + size
        if self._tail:
            found = (self._tail + data[start : start + 3]).find(BLANK_LINE)
            if found >= 0:
                end = start + found + len(BLANK_LINE) - len(self._tail)
                self._tail = b""
                return end
        found = data.find(BLANK_LINE, start)
        if found >= 0:
            self._tail = b""
            return found + len(BLANK_LINE)
        self._tail = (self._tail + data[max(start, len(data) - 3) :])[-3:]
        return len(data)
