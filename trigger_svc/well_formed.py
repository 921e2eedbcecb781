"""Whether a body is what its media type says, for triggers that insist on it, and whether JSON may stand as JSON in a payload.

The same answer for the same text whenever it is asked, since a payload is built anew each time it is read. No DTD is read: an
XML body that has one is refused where bodies are checked.
"""

import json
import re
from itertools import accumulate
from typing import NoReturn
from xml.parsers import expat

#: Deeper nesting is not followed: what reads the payload has a stack too.
DEEPEST = 200

# Possessive, so that their time grows with the text alone.
_FORM = re.compile(r"(?:[^%]++|%[0-9A-Fa-f]{2})*+")
_JSON_STRING = re.compile(r'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)
_BRACKETS = b"[{]}"
_NO_BRACKETS = bytes(set(range(256)) - set(_BRACKETS))
_STEPS = dict(zip(_BRACKETS, (1, 1, -1, -1), strict=True))


class _NotTaken(Exception):
    pass


def is_json(text: str) -> bool:
    """RFC 8259, nested at most DEEPEST deep; a byte order mark before it does not matter."""
    text = text.removeprefix("\ufeff")
    if _depth(text) > DEEPEST:
        return False
    try:
        _JSON.decode(text)
    except ValueError:
        return False
    return True


def is_xml(text: str) -> bool:
    """Well-formed, without a DTD."""
    parser = expat.ParserCreate("utf-8")  # whatever its declaration says: it has been decoded
    parser.StartDoctypeDeclHandler = _refuse_dtd
    try:
        parser.Parse(text.encode(), True)
    except (expat.ExpatError, _NotTaken):
        return False
    return True


def is_form(text: str) -> bool:
    """Every % has its two digits."""
    return _FORM.fullmatch(text) is not None


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= DEEPEST:
        return DEEPEST
    brackets = _JSON_STRING.sub("", text).encode().translate(None, delete=_NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _refuse_dtd(*_: object) -> NoReturn:
    raise _NotTaken


#: Numbers stay text: a long one costs time that grows with its square.
_JSON = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)
