"""One button's wish: asked of a service, then back to a page that says what became of it."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from gateway.console.refusal import refusal_of
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from gateway.services import Method

#: Shows a page again; takes `status` and `refusal`.
Show = Callable[..., Awaitable[Response]]


async def act(
    visit: ConsoleVisit, method: Method[Any, Any], request: Any, *, show: Show, path: str, done: str
) -> Response:
    """Leads to `path` with its note; where the service refuses, `show` says why on the page that the button is on."""
    try:
        await visit.ask(method, request)
    except HttpError as error:
        return await again(visit, error, show)
    return visit.redirect(path, done=done)


async def again(visit: ConsoleVisit, error: HttpError, show: Show) -> Response:
    """The page that a button is on, with why nothing came of it; raises what is no matter of the button."""
    if error.status in (401, 403, 404):
        raise error
    return await show(visit, status=error.status, refusal=refusal_of(error))
