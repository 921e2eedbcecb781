"""What the presets share: comparing without telling by time how much was right, timestamps, and a body's own id."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from typing import Any

_SECONDS = re.compile(rb"[0-9]{1,12}")


def digests(secrets: Iterable[bytes], signed: bytes, algorithm: str = "sha256") -> list[bytes]:
    """The HMAC of what was signed under each secret."""
    return [hmac.digest(secret, signed, algorithm) for secret in secrets]


def any_equal(expected: Iterable[bytes], given: Iterable[bytes]) -> bool:
    """Whether one of those given is one of those expected. All are compared, whichever it is."""
    candidates = list(given)
    found = False
    for one in expected:
        for candidate in candidates:
            found |= hmac.compare_digest(one, candidate)
    return found


def same_text(expected: Iterable[bytes], given: bytes) -> bool:
    """As any_equal for texts of any length, which their time does not tell either."""
    return any_equal([hashlib.sha256(one).digest() for one in expected], [hashlib.sha256(given).digest()])


def seconds_of(timestamp: bytes) -> int | None:
    """Unix seconds; None for anything else."""
    return int(timestamp) if _SECONDS.fullmatch(timestamp) else None


def is_near(seconds: int, now: float, tolerance: float) -> bool:
    """Whether a timestamp is neither too old nor too far ahead."""
    return abs(now - seconds) <= tolerance


def object_of(body: bytes) -> dict[str, Any]:
    """A verified body as a JSON object; empty when it is none."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def id_in(body: bytes, name: str) -> bytes | None:
    """The text that a verified JSON body has under `name`; None when there is none."""
    found = object_of(body).get(name)
    return found.encode(errors="surrogatepass") if isinstance(found, str) else None
