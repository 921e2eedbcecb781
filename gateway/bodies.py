"""Reads request bodies and refuses what is too much, too slow or no plain JSON object.

Invariant: limits come before memory. Content-Length is checked before the first byte, a chunked body at every chunk.
"""

import json
from collections.abc import Iterable
from typing import Any

from starlette.types import Receive

from chassis.errors import BadField
from gateway.http_errors import HttpError, bad_request

MOST_LEVELS = 32
Headers = Iterable[tuple[bytes, bytes]]


class ClientGone(Exception):
    """The client went away before its request was whole: nobody is left to answer."""


def check_length(headers: Headers, limit: int) -> int | None:
    """The announced length, None where there is none (chunked). HttpError 413 when it is over the limit."""
    for name, value in headers:
        if name == b"content-length":
            if not value.isdigit() or len(value) > 15 or int(value) > limit:
                raise too_large(limit)
            return int(value)
    return None


async def read(receive: Receive, limit: int) -> bytes:
    """The whole body. HttpError 413 at limit + 1 bytes; ClientGone. How long it may take is the connection's matter."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        if len(body) + len(part) > limit:
            raise too_large(limit)
        if not message.get("more_body", False):
            return part if not body else bytes(body + part)
        body += part


def too_large(limit: int) -> HttpError:
    """413."""
    return HttpError(413, f"the body must have at most {limit:,} bytes", reason="BODY_TOO_LARGE", close=True)


def check_not_form(headers: Headers) -> None:
    """HttpError 400 for a form. Any other media type, or none, is read as JSON."""
    for name, value in headers:
        kind = value.split(b";")[0].strip().lower()
        if name == b"content-type" and kind in (b"application/x-www-form-urlencoded", b"multipart/form-data"):
            raise bad_request(BadField("body", "must be a JSON object, not a form"))


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in the bytes. HttpError 400 for anything else, duplicate keys, NaN and deep nesting included."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise bad_request(BadField("body", "must be UTF-8")) from None
    except _Refused as error:
        raise bad_request(BadField("body", str(error))) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise bad_request(BadField("body", f"must be JSON: it breaks at {where}")) from None
    except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
        raise bad_request(BadField("body", "must be JSON of ordinary depth and ordinary numbers")) from None
    if not isinstance(value, dict):
        raise bad_request(BadField("body", "must be a JSON object"))
    _check_levels(value)
    if b"\\ud" in body.lower():
        _check_unicode(value)
    return value


class _Refused(Exception):
    """A construct that JSON parsers read differently, so that we read none of it."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Refused("must not have a key twice in one object")
    return made


def _no_constant(name: str) -> Any:
    raise _Refused(f"must not hold {name}")


def _check_levels(value: Any) -> None:
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise bad_request(BadField("body", f"must not nest more than {MOST_LEVELS} levels"))


def _check_unicode(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise bad_request(BadField("body", "must be valid Unicode: it holds half of a surrogate pair")) from None


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
