"""Page after page of a listing, fetched when they are wanted."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar


class Page(Protocol):
    """What every page tells: where the next one begins. Empty after the last."""

    next_page_token: str


AnyPage = TypeVar("AnyPage", bound=Page)


async def pages(fetch: Callable[[str], Awaitable[AnyPage]]) -> AsyncIterator[AnyPage]:
    """Every page; `fetch` takes a page token, empty for the first."""
    token = ""
    while True:
        page = await fetch(token)
        yield page
        token = page.next_page_token
        if not token:
            return
