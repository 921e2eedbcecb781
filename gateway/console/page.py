"""One line of the console's table of pages."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.responses import Response

from gateway.console.visit import ConsoleVisit

PageHandler = Callable[[ConsoleVisit], Awaitable[Response]]


class Page(NamedTuple):
    """What answers a method at a path. GET serves HEAD too and changes nothing; POST has its form checked before it runs.

    `open` is whether somebody who has not signed in may come.
    """

    method: str
    path: str
    handler: PageHandler
    open: bool = False
