"""What every answer says beside its content: its request's id, and what browsers are not to do with it.

An answer that has one of these headers itself, such as a page with a policy of its own, keeps it.
"""

import os
import re
from collections.abc import Iterable, Sequence

Header = tuple[bytes, bytes]
REQUEST_ID = b"x-request-id"
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_PLAIN: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_BY_SCHEME: dict[str, tuple[Header, ...]] = {
    "http": _PLAIN,
    "https": (*_PLAIN, (b"strict-transport-security", b"max-age=31536000")),
}
_OURS = frozenset(name for name, _ in _BY_SCHEME["https"])


def complete(given: Sequence[Header], request_id: str, scheme: str) -> list[Header]:
    """The headers of an answer with ours beside them."""
    ours: Iterable[Header] = _BY_SCHEME[scheme]
    for name, _ in given:
        if name in _OURS:
            kept = {name for name, _ in given}
            ours = [header for header in ours if header[0] not in kept]
            break
    return [*given, (REQUEST_ID, request_id.encode()), *ours]


def request_id(sent: bytes | None) -> str:
    """The id that a client sent, if it is a sane one, else a new one."""
    return sent.decode() if sent is not None and _SANE.fullmatch(sent) else os.urandom(16).hex()
