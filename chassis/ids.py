"""Public ids: a prefix and a KSUID, 27 base62 characters that sort by the second they were made in.

A KSUID is 4 bytes of seconds since 2014-05-13T16:53:20Z and 16 random bytes (the public segmentio/ksuid format).
"""

import os
import re
import struct

EPOCH = 1_400_000_000
LAST = 2**32 - 1  # of the seconds since then: in 2150
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [high + low for high in ALPHABET for low in ALPHABET]
# Nine digits at a time fit a machine word: three divisions of a long integer instead of twenty-seven.
_NINE_DIGITS = 62**9
# What is beyond the last whole multiple would make the first digits likelier than the others.
_EVENLY = 2**64 // _NINE_DIGITS * _NINE_DIGITS
_FORM = re.compile(r"[0-9A-Za-z]{27}")


class _Run:
    """The first 18 digits of a second's ids, drawn anew for every 256 of them, and random bytes for the last nine: a system
    call or a division of a long integer costs more than the rest of an id."""

    def __init__(self) -> None:
        self._second = -1
        self._first_digits = ""
        self._low: list[int] = []

    def next(self, unix_seconds: int) -> str:
        if not self._low:
            self._low = [low for low in struct.unpack("256Q", os.urandom(2048)) if low < _EVENLY]
            self._second = -1
        if unix_seconds != self._second:
            self._second = unix_seconds
            self._first_digits = _exactly(unix_seconds, os.urandom(16))[:18]
        return self._first_digits + _nine(self._low.pop() % _NINE_DIGITS)


def ksuid(unix_seconds: int, randomness: bytes | None = None) -> str:
    """27 characters for the given second, or the nearest that fits; `randomness` is 16 bytes, drawn anew when not given.

    Up to 256 ids in a row share 74 of their random bits; the other 54 are each one's own.
    """
    return _RUN.next(unix_seconds) if randomness is None else _exactly(unix_seconds, randomness)


def _exactly(unix_seconds: int, randomness: bytes) -> str:
    number = (min(max(0, unix_seconds - EPOCH), LAST) << 128) | int.from_bytes(randomness, "big")
    number, low = divmod(number, _NINE_DIGITS)
    high, middle = divmod(number, _NINE_DIGITS)
    return _nine(high) + _nine(middle) + _nine(low)


def _nine(number: int) -> str:
    number, a = divmod(number, 3844)
    number, b = divmod(number, 3844)
    number, c = divmod(number, 3844)
    first, d = divmod(number, 3844)
    return ALPHABET[first] + _PAIRS[d] + _PAIRS[c] + _PAIRS[b] + _PAIRS[a]


_RUN = _Run()


def ksuid_seconds(text: str) -> int:
    """The unix second in a KSUID of 27 characters. ValueError when it is none."""
    if not _FORM.fullmatch(text):
        raise ValueError("not a KSUID")
    number = 0
    for character in text:
        number = number * 62 + ALPHABET.index(character)
    return (number >> 128) + EPOCH


def is_id(prefix: str, text: str) -> bool:
    """Whether `text` has the form of a public id with this prefix, such as is_id("wsu_", ...)."""
    return text.startswith(prefix) and _FORM.fullmatch(text, len(prefix)) is not None
