"""Takes a body out of its Content-Encoding: one layer of gzip or deflate, for triggers that accept it.

Bounded before it is understood: inflating stops a byte beyond what a body may have, and beyond 100 times what came.
"""

import zlib

from chassis.errors import BadField, InvalidInput, ResourceExhausted

MOST_TIMES = 100
_GZIP, _ZLIB, _RAW = 31, 15, -15


def decoded(coding: bytes, raw: bytes, *, accepted: bool, most: int) -> bytes:
    """The body. InvalidInput (CODING_UNSUPPORTED, CODING_INVALID); ResourceExhausted (CALL_TOO_LARGE)."""
    name = coding.strip().lower()
    if name in (b"", b"identity"):
        return raw
    if not accepted or name not in (b"gzip", b"x-gzip", b"deflate"):
        sentence = "is not taken here: send the body as it is" + (", or as gzip or deflate" if accepted else "")
        raise _refusal("CODING_UNSUPPORTED", sentence)
    if not raw:
        return raw
    limit = min(most, MOST_TIMES * len(raw))
    try:
        inflated = _inflated(raw, _ZLIB if name == b"deflate" else _GZIP, limit)
    except zlib.error:
        if name != b"deflate":
            raise _broken() from None
        inflated = _raw_inflated(raw, limit)  # deflate without the zlib header that it should have: many send it so
    if len(inflated) > limit:
        raise ResourceExhausted("CALL_TOO_LARGE", f"the body is larger than {limit:,} bytes once it is decompressed")
    return inflated


def _raw_inflated(raw: bytes, limit: int) -> bytes:
    try:
        return _inflated(raw, _RAW, limit)
    except zlib.error:
        raise _broken() from None


def _inflated(raw: bytes, form: int, limit: int) -> bytes:
    """At most limit + 1 bytes. zlib.error, or InvalidInput when it breaks off or goes on after its end."""
    inflater = zlib.decompressobj(form)
    inflated = inflater.decompress(raw, limit + 1)
    if len(inflated) <= limit and (not inflater.eof or inflater.unused_data):
        raise _broken()
    return inflated


def _broken() -> InvalidInput:
    return _refusal("CODING_INVALID", "does not go with the body: it cannot be decompressed")


def _refusal(reason: str, sentence: str) -> InvalidInput:
    return InvalidInput([BadField("content_encoding", sentence)], reason=reason)
