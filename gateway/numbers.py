"""Numbers in JSON, paths and queries, whole and real. Invariant: what leaves here fits an int64 or a double."""

import math
import re
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

LARGEST = 2**63 - 1
LARGEST_OF_32_BITS = 2**31 - 1
_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)


def decimal(text: str) -> int | None:
    """The number that the digits spell, None when they are none or spell more than an int64 holds.

    >>> decimal("12"), decimal("-1"), decimal("9223372036854775808")
    (12, None, None)
    """
    if not _DIGITS.fullmatch(text) or int(text) > LARGEST:
        return None
    return int(text)


def integer(value: Any) -> int:
    """A JSON integer or a string of digits; never a bool, a float, or more than an int64 holds."""
    number = decimal(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int) or not -LARGEST <= number <= LARGEST:
        raise PydanticCustomError("number", "must be a whole number or a string of digits, within 64 bits")
    return number


def count(text: str) -> int:
    """A query's number: digits alone."""
    number = decimal(text)
    if number is None:
        raise PydanticCustomError("number", "must be a whole number, 0 or above")
    return number


def counts(text: str) -> list[int]:
    """A query's numbers with commas between them; none at all for an empty text."""
    found = [decimal(part) for part in text.split(",")] if text else []
    numbers = [number for number in found if number is not None]
    if len(numbers) < len(found):
        raise PydanticCustomError("number", "must be whole numbers, 0 or above, with commas between them")
    return numbers


def page_size(text: str) -> int:
    """The same; more than 32 bits hold is read as the most that they hold, since services cut a page anyway."""
    return min(count(text), LARGEST_OF_32_BITS)


def real(value: Any) -> float:
    """A JSON number; never a bool, a string, or more than a double holds."""
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise PydanticCustomError("number", "must be a number")
    return number


_ID = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9]{1,19}$"}]}
_COUNT = {"type": "integer", "minimum": 0}
Id = Annotated[int, PlainValidator(integer), WithJsonSchema(_ID)]
Count = Annotated[int, PlainValidator(count), WithJsonSchema(_COUNT)]
Counts = Annotated[list[int], PlainValidator(counts), WithJsonSchema({"type": "string"})]
PageSize = Annotated[int, PlainValidator(page_size), WithJsonSchema(_COUNT)]
Real = Annotated[float, PlainValidator(real), WithJsonSchema({"type": "number"})]
