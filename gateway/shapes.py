"""The shape of JSON bodies and of queries: types and required keys. Whether a value is allowed is the services' rule.

Invariant: every field that is wrong is named, by its JSON path. Unknown keys are ignored, as clients expect.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from chassis.errors import BadField
from gateway.http_errors import bad_request

_MESSAGES = {
    "extra_forbidden": "is not known here",
    "missing": "required key not provided",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "list_type": "must be an array",
    "dict_type": "must be an object",
    "too_long": "must have at most 10,000 entries",
    "greater_than_equal": "must fit 32 bits",
    "less_than_equal": "must fit 32 bits",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}
_QUOTED = re.compile(r"'([^']*)'")

#: Bounds what one body can make us remember of its errors; the services' own limits are at most this.
MOST_ENTRIES = 10_000
Int32 = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
T = TypeVar("T")
Some = Annotated[list[T], Field(max_length=MOST_ENTRIES)]
Texts = Annotated[dict[str, str], Field(max_length=MOST_ENTRIES)]


class Shape(BaseModel):
    """Base of all shapes: no value is ever converted to another type."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, arbitrary_types_allowed=True)


S = TypeVar("S", bound=Shape)


def parse(shape: type[S], body: Mapping[str, Any]) -> S:
    """The body in its shape. HttpError 400 names every field that is not."""
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        raise bad_request(*(_bad_field(detail) for detail in error.errors(include_url=False))) from None


def _bad_field(detail: ErrorDetails) -> BadField:
    message = _MESSAGES.get(detail["type"], detail["msg"])
    if detail["type"] == "literal_error":
        message = f"must be one of {', '.join(_QUOTED.findall(detail['ctx']['expected']))}"
    return BadField(json_path(detail["loc"]), message)


def json_path(location: tuple[int | str, ...]) -> str:
    """
    >>> json_path(("events", 0, "data", "jobId"))
    'events[0].data.jobId'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def key(path: str) -> str:
    """The key of the body that a JSON path begins with.

    >>> key("events[0].data.jobId"), key("name")
    ('events', 'name')
    """
    return re.split(r"[.\[]", path, maxsplit=1)[0]
