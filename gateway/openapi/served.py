"""Pages that are made once, when the gateway starts: who this is, this document, and the same for people.

Invariant: a page loads nothing and runs nothing; its policy allows its one stylesheet by its hash.
"""

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import problem
from gateway.failures import send_failure
from gateway.http_errors import not_allowed
from gateway.openapi import page
from gateway.openapi.document import document, rendered
from gateway.openapi.operations.gateway import DOCUMENT, PAGE, ROOT

ALLOWED = "GET, HEAD"


def pages() -> dict[str, ASGIApp]:
    """What answers at which path."""
    made = document()
    info = made["info"]
    return {
        ROOT: Page(ROOT, f"{info['title']} {info['version']}: {PAGE}, {DOCUMENT}\n".encode(), "text/plain"),
        DOCUMENT: Page(DOCUMENT, rendered(), "application/json"),
        PAGE: Page(PAGE, page.rendered(made), "text/html", {"content-security-policy": page.POLICY}),
    }


class Page:
    """The same bytes for everybody; GET and HEAD alone."""

    def __init__(self, route: str, body: bytes, media_type: str, headers: dict[str, str] | None = None) -> None:
        self._route = route
        self._response = Response(body, media_type=media_type, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        scope["runhook.route"] = self._route
        if scope["method"] in ("GET", "HEAD"):
            await self._response(scope, receive, send)
            return
        await send_failure(problem.failure, not_allowed(ALLOWED), scope, receive, send)
