"""Reading an HTTP/1.x answer off a connection, byte by byte if need be, without doing any I/O.

Invariant: nothing that an endpoint sends is kept beyond the limit, and nothing but a whole final answer (or one cut off
at the limit, whose status is known) counts as one. Interim answers (1xx) are skipped. The parser is llhttp, strict.
"""

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from delivery_svc.sending.exchange import retry_after_seconds

EXCERPT_BYTES = 4096
HEAD_BYTES = 4096


class AnswerError(Exception):
    """What came was no answer; the text is a sentence for people."""


class Answer:
    """The answers of one connection, one after the other: begin(), then feed() until complete.

    `status_code` is 0 until the head of a final answer is there; `excerpt` is the body's first 4 KiB; `received` counts
    every byte since begin(); `reusable` says, of a complete answer, whether the connection may carry another request.
    """

    __slots__ = (
        "_head",
        "_interim",
        "_keep_alive",
        "_limit",
        "_parser",
        "complete",
        "excerpt",
        "received",
        "status_code",
    )

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parser = HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Expect the answer to a new request."""
        self.status_code = 0
        self.complete = False
        self.excerpt = b""
        self.received = 0
        self._head = b""
        self._interim = 0
        self._keep_alive = False

    def feed(self, data: bytes) -> None:
        """Take what has arrived. AnswerError when it cannot become an answer any more."""
        self.received += len(data)
        beyond = self.received - self._limit
        if beyond > 0:
            # The parser sees the same bytes however they were cut on their way.
            data = data[:-beyond]
        if not self.status_code:
            self._head += data
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._keep_alive = False
            if not self.complete:
                raise AnswerError("The endpoint's answer is not valid HTTP/1.1.") from None
        if beyond > 0:
            self._cut_off()

    def end(self) -> bool:
        """The peer has closed: True if that makes the answer complete, as for a body of no stated length."""
        if self.status_code and not self.complete and self._ends_with_the_connection():
            self.complete = True
        return self.complete

    @property
    def reusable(self) -> bool:
        return self._keep_alive

    @property
    def head(self) -> bytes:
        """The header lines, each with its CRLF, without the status line: as many whole ones as 4 KiB hold."""
        head = self._head
        if self._interim or not head.startswith(b"H"):
            head = self._final_head()
        start = head.find(b"\r\n") + 2
        end = head.find(b"\r\n\r\n", start - 2) + 2
        if end - start > HEAD_BYTES:
            end = head.rfind(b"\r\n", start - 2, start + HEAD_BYTES) + 2
        return head[start:end]

    def retry_after(self, now: float) -> float | None:
        """Seconds, from the Retry-After header; `now` in seconds since 1970."""
        return retry_after_seconds(self._header(b"retry-after"), self._header(b"date"), now)

    # What the parser calls, in this order. It ignores their exceptions' types: any one ends the parse.

    def on_message_begin(self) -> None:
        if self.complete:
            # Nobody asked for a second answer: whose would the next one be?
            self._keep_alive = False

    def on_headers_complete(self) -> None:
        status_code = self._parser.get_status_code()
        if status_code < 100:
            raise AnswerError("no such status")
        if status_code >= 200 and not self.complete:
            self.status_code = status_code
            self._keep_alive = self._parser.should_keep_alive()

    def on_body(self, chunk: bytes) -> None:
        room = EXCERPT_BYTES - len(self.excerpt)
        if room > 0 and not self.complete:
            self.excerpt += chunk[:room]

    def on_message_complete(self) -> None:
        if self.status_code:
            self.complete = True
        else:
            self._interim += 1

    def _cut_off(self) -> None:
        if not self.status_code:
            raise AnswerError("The head of the endpoint's answer does not end.")
        self.complete = True
        self._keep_alive = False

    def _ends_with_the_connection(self) -> bool:
        coding = self._header(b"transfer-encoding")
        if coding is not None:
            return not coding.lower().endswith(b"chunked")
        return self._header(b"content-length") is None

    def _header(self, name: bytes) -> bytes | None:
        for line in self._final_head().partition(b"\r\n\r\n")[0].split(b"\r\n"):
            key, _, value = line.partition(b":")
            if key.lower() == name:
                return value.strip(b" \t")
        return None

    def _final_head(self) -> bytes:
        """What came since the interim answers. Looked for when it matters: a callback per header costs every answer."""
        rest = self._head.lstrip(b"\r\n")
        for _ in range(self._interim):
            rest = rest.partition(b"\r\n\r\n")[2].lstrip(b"\r\n")
        return rest
