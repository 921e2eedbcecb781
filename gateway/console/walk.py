"""Lists that a page shows as one. Invariant: it asks ten times at most, however long a list is."""

from typing import Protocol, TypeVar

from gateway.console.visit import ConsoleVisit
from gateway.services import Method

SIZE, PAGES = 100, 10


class Paged(Protocol):
    """A request for a page."""

    page_size: int
    page_token: str


class PageOf(Protocol):
    """Its answer."""

    next_page_token: str


Request = TypeVar("Request", bound=Paged)
Answer = TypeVar("Answer", bound=PageOf)


async def walk(visit: ConsoleVisit, method: Method[Request, Answer], request: Request) -> list[Answer]:
    """The first ten pages of a list, each of a hundred."""
    request.page_size = SIZE
    answers: list[Answer] = []
    while len(answers) < PAGES and (not answers or request.page_token):
        answers.append(await visit.ask(method, request))
        request.page_token = answers[-1].next_page_token
    return answers
