"""The rules of a request's head that the parser (llhttp) leaves to its user: what two servers could read differently.

Invariant: the length of every body is beyond doubt before an app sees its request. Bad characters, bare line feeds,
folded lines, two lengths, or a length beside chunks have ended in the parser already.
"""

import re
from collections.abc import Iterable

from gateway.http_errors import HttpError

_WEIGHED = frozenset({b"host", b"transfer-encoding", b"content-length", b"expect"})
_TARGET = re.compile(rb"(?:https?://[^/?#]+)?/", re.IGNORECASE)
_REQUEST = re.compile(rb"[A-Za-z!#$%&'*+.^_`|~-]{1,32} \S+ HTTP/1\.[01]\r\n")
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+;=:\[\]-]*")


def body_length(method: bytes, version: str, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Bytes of the body that Content-Length announces, 0 where chunks tell. HttpError 400, 417 or 501."""
    if method == b"CONNECT":
        raise _method_unknown()
    if not _TARGET.match(target):
        raise malformed("the request's target must be a path, or an http URL with one")
    if version not in ("1.0", "1.1"):
        raise malformed("speak HTTP/1.1")
    length = hosts = encodings = 0
    for name, value in headers:
        if name not in _WEIGHED:
            continue
        if name == b"host":
            hosts += 1
            _check_host(value)
        elif name == b"content-length":
            length = int(value)
        elif name == b"expect":
            _check_expectation(value)
        else:
            encodings += 1
            _check_encoding(value)
    if hosts > 1 or (version == "1.1" and not hosts):
        raise malformed("send one Host header")
    if encodings > 1 or (encodings and version == "1.0"):
        raise malformed("send Transfer-Encoding once, over HTTP/1.1")
    return length


def not_read(beginning: bytes) -> HttpError:
    """The answer to what the parser refused: 501 where it begins as a request of another method, else 400."""
    return _method_unknown() if _REQUEST.match(beginning) else malformed("this is not HTTP/1.1 as it should be")


def malformed(message: str) -> HttpError:
    """400 for what is no HTTP, or could be read in two ways."""
    return HttpError(400, message, reason="MALFORMED")


def _method_unknown() -> HttpError:
    return HttpError(501, "there is no such method here", reason="METHOD_UNKNOWN")


def _check_host(value: bytes) -> None:
    if not _HOST.fullmatch(value):
        raise malformed("the Host header must be a host and perhaps a port")


def _check_expectation(value: bytes) -> None:
    if value.lower() != b"100-continue":
        raise HttpError(417, "the one expectation that is met here is 100-continue", reason="EXPECTATION_UNKNOWN")


def _check_encoding(value: bytes) -> None:
    if value.lower() != b"chunked":
        raise HttpError(501, "the one Transfer-Encoding taken here is chunked", reason="ENCODING_UNKNOWN")
