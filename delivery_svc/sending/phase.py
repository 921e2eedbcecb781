"""Where a POST stands, and what the steps to its connection took.

Invariant: only the steps of a connection that was opened for this very POST count as its own; what opened a kept
connection belongs to the POST before.
"""

from delivery_svc.sending.exchange import ErrorClass

#: Each phase, with the words that complete "timed out while ...". "answer" is the head, "body" the rest.
PHASES = {
    "resolve": "resolving the host name",
    "connect": "connecting",
    "tls": "the TLS handshake",
    "write": "writing the request",
    "answer": "waiting for the answer",
    "body": "reading the answer's body",
}


class DialError(Exception):
    """Why there is no connection: an error class and a sentence for people."""

    def __init__(self, error: ErrorClass, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail


class Dial:
    """The steps to one connection, as they are taken: resolve, connect, tls. Times are monotonic seconds."""

    __slots__ = ("_since", "phase", "seconds")

    def __init__(self, now: float) -> None:
        self.phase = "resolve"
        self.seconds: dict[str, float] = {}
        self._since = now

    def turn_to(self, phase: str, now: float) -> None:
        """One step is done, the next begins."""
        self.end(now)
        self.phase = phase

    def end(self, now: float) -> None:
        """The step under way is the last, whether it succeeded or not."""
        self.seconds[self.phase] = now - self._since
        self._since = now
