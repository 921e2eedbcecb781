"""One path of the route table as an ASGI app: its methods, its format of errors.

Invariant: whatever is wrong with a request is answered in the format of its path, 405 with Allow included.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway import lingering
from gateway.http_errors import HttpError
from gateway.services import Services
from gateway.settings import GatewaySettings
from gateway.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]
Failure = Callable[[HttpError, str], Response]


class Endpoint:
    """Hands a request to the handler of its method. HEAD is served wherever GET is."""

    def __init__(
        self,
        template: str,
        handlers: Mapping[str, Handler],
        failure: Failure,
        services: Services,
        settings: GatewaySettings,
    ) -> None:
        self._template = template
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self._failure = failure
        self._services = services
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        scope["runhook.route"] = self._template
        try:
            response = await self._handle(Request(scope, receive))
        except HttpError as error:
            await send_failure(self._failure, error, scope, receive, send)
        else:
            await response(scope, receive, send)

    async def _handle(self, request: Request) -> Response:
        handler = self._handlers.get(request.method)
        if handler is None:
            allowed = ", ".join(self._handlers)
            raise HttpError(405, f"allowed here: {allowed}", reason="METHOD_NOT_ALLOWED", headers={"allow": allowed})
        return await handler(Visit(request, self._services, self._settings))


async def send_failure(failure: Failure, error: HttpError, scope: Scope, receive: Receive, send: Send) -> None:
    """Sends an error; one that leaves a body unread lingers, so that the client sees it."""
    response = failure(error, scope["runhook.request_id"])
    if error.close:
        await lingering.send_and_linger(response, scope, receive, send)
    else:
        await response(scope, receive, send)
