"""One path of the route table as an ASGI app: its methods, its format of errors.

Invariant: whatever is wrong with a request is answered in the format of its path, 405 with Allow included.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.failures import Failure, send_failure
from gateway.http_errors import HttpError, not_allowed
from gateway.services import Services
from gateway.settings import GatewaySettings
from gateway.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]


class Endpoint:
    """Hands a request to the handler of its method."""

    def __init__(
        self,
        template: str,
        handlers: Mapping[str, Handler],
        failure: Failure,
        services: Services,
        settings: GatewaySettings,
    ) -> None:
        self._template = template
        self._handlers = handlers
        self._failure = failure
        self._services = services
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        scope["runhook.route"] = self._template
        try:
            response = await self._handle(scope, receive)
        except HttpError as error:
            await send_failure(self._failure, error, scope, receive, send)
        else:
            await response(scope, receive, send)

    async def _handle(self, scope: Scope, receive: Receive) -> Response:
        handler = self._handlers.get(scope["method"])
        if handler is None:
            raise not_allowed(", ".join(self._handlers))
        return await handler(Visit(scope, receive, self._services, self._settings))
