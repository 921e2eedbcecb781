"""Answers to what never became a request: written by the connection itself, since no app ever saw it.

They have the same form as all others: an error in the format of the path, as far as one was read, the request's id, the
headers of every answer. They end the connection.
"""

from collections.abc import Iterable, Sequence

from gateway.edge import answer_headers
from gateway.edge.answer_headers import Header
from gateway.failures import failure_of
from gateway.http_errors import HttpError


def raw_answer(
    error: HttpError, request_id: str, *, target: bytes = b"", scheme: str = "http", dates: Sequence[Header] = ()
) -> bytes:
    """The whole answer as bytes."""
    response = failure_of(target.decode("latin-1"))(error, request_id)
    headers = answer_headers.complete([*dates, *response.raw_headers], request_id, scheme)
    lines = [b"HTTP/1.1 %d %s" % (error.status, error.title.encode()), *_lines(headers), b"connection: close"]
    return b"\r\n".join([*lines, b"", bytes(response.body)])


def _lines(headers: Iterable[Header]) -> list[bytes]:
    return [b"%s: %s" % header for header in headers if header[0] != b"connection"]
