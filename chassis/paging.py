"""Pages by key: how many rows, beyond which key, and the opaque token that says where the next page begins.

Invariant: a token tells nothing but a position, so one that is passed on or guessed shows nothing that its bearer could not
list anyway.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chassis.errors import BadField, InvalidInput
from chassis.page_token import LARGEST_KEY, keys_of, page_token

DEFAULT_SIZE, LARGEST_SIZE = 20, 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """At most `size` rows of the list called `name`, beyond key `after` in the list's order."""

    name: str
    after: int
    size: int

    @property
    def most(self) -> int:
        """How many rows to read: one more than is shown tells whether there is a next page."""
        return self.size + 1

    def cut(self, found: list[T], key: Callable[[T], int]) -> tuple[list[T], str]:
        """What is shown of the rows that were read, in their order, and the token of the next page."""
        shown = found[: self.size]
        return shown, page_token(self.name, key(shown[-1])) if len(found) > self.size else ""


def asked(
    name: str,
    *,
    page_size: int,
    page_token: str,
    newest_first: bool = False,
    default: int = DEFAULT_SIZE,
    largest: int = LARGEST_SIZE,
) -> Page:
    """The page of the list called `name` that a request asks for: of `default` rows if it does not say, at most `largest`. The
    first one begins at key 0, or with `newest_first` at the largest there is. InvalidInput."""
    bad = []
    if page_size < 0:
        bad.append(BadField("page_size", "must not be below 0"))
    after: int | None = LARGEST_KEY if newest_first else 0
    if page_token:
        after = _key(name, page_token)
    if after is None:
        bad.append(BadField("page_token", "must be the next_page_token of the page before"))
    if bad or after is None:
        raise InvalidInput(bad)
    return Page(name=name, after=after, size=min(page_size or default, largest))


def _key(name: str, token: str) -> int | None:
    try:
        return keys_of(name, token, 1)[0]
    except ValueError:
        return None
