"""Bytes that others wrote, as text on a page. Invariant: what is no text is told byte by byte, and nothing of it acts."""

import re

_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def readable(content: bytes) -> str:
    r"""UTF-8 as it is; other bytes, control characters and what turns the direction of text as escapes.

    >>> readable(b"caf\xc3\xa9\x00\xff\n")
    'café\\x00\\xff\n'
    """
    return _INVISIBLE.sub(_escaped, content.decode("utf-8", "backslashreplace"))


def readable_log(content: bytes) -> str:
    r"""The same without the colours that programs give their output.

    >>> readable_log(b"\x1b[32mOK\x1b[0m\r\n")
    'OK\n'
    """
    return readable(
        _COLOUR.sub("", content.decode("utf-8", "surrogateescape").replace("\r\n", "\n")).encode(
            "utf-8", "surrogateescape"
        )
    )


def size(count: int) -> str:
    """A number of bytes in its largest unit.

    >>> size(1), size(900), size(1536), size(8 * 1024 * 1024)
    ('1 byte', '900 bytes', '1.5 KiB', '8 MiB')
    """
    if count < 1024:
        return "1 byte" if count == 1 else f"{count} bytes"
    for unit, factor in (("KiB", 1024), ("MiB", 1024**2)):
        if count < factor * 1024 or unit == "MiB":
            return f"{count / factor:.1f}".removesuffix(".0") + f" {unit}"
    return ""


def _escaped(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
