"""Pages by key: how many rows, beyond which key, and the opaque token that says where the next page begins.

Invariant: a token tells nothing but a position, so one that is passed on or guessed shows nothing that its bearer could not
list anyway.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chassis.errors import BadField, InvalidInput
from chassis.page_token import keys_of, page_token

DEFAULT_SIZE, LARGEST_SIZE = 20, 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """At most `size` rows of the list called `name`, beyond the row with key `after`; None: from its beginning on."""

    name: str
    after: int | None
    size: int

    @property
    def most(self) -> int:
        """How many rows to read: one more than is shown tells whether there is a next page."""
        return self.size + 1

    def cut(self, found: list[T], key: Callable[[T], int]) -> tuple[list[T], str]:
        """What is shown of the rows that were read, in their order, and the token of the next page."""
        shown = found[: self.size]
        return shown, page_token(self.name, key(shown[-1])) if len(found) > self.size else ""


def asked(name: str, *, page_size: int, page_token: str) -> Page:
    """The page of the list called `name` that a request asks for. InvalidInput."""
    bad = []
    if page_size < 0:
        bad.append(BadField("page_size", "must not be below 0"))
    after = _key(name, page_token) if page_token else None
    if page_token and after is None:
        bad.append(BadField("page_token", "must be the next_page_token of the page before"))
    if bad:
        raise InvalidInput(bad)
    return Page(name=name, after=after, size=min(page_size or DEFAULT_SIZE, LARGEST_SIZE))


def _key(name: str, token: str) -> int | None:
    try:
        return keys_of(name, token, 1)[0]
    except ValueError:
        return None
