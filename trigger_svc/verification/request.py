"""A call as its signature sees it: the head, and the body's bytes as they came. Nothing here has been parsed."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`headers` by lower-case name, repeated ones joined by commas; `raw` is signed; `body` is `raw` without its coding."""

    headers: Mapping[str, bytes] = field(repr=False)
    raw: bytes = field(repr=False)
    body: bytes = field(repr=False)
