"""Stands around everything that is served: request ids, security headers, metrics, one log line for each request.

Invariant: every answer has X-Request-Id, and an error that nobody expected is a plain 500 without a trace of its cause.
The log line has the route's template; never the path, the query, a token or a body.
"""

import os
import re
import time
from collections.abc import Iterable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.logs import get_logger
from gateway import metrics
from gateway.bodies import ClientGone
from gateway.http_errors import HttpError
from gateway.routes import failure_of

log = get_logger()
_SANE = re.compile(rb"[A-Za-z0-9._-]{8,128}")
SECURITY_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]


class Observer:
    """The outermost ASGI app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        request_id = scope["runhook.request_id"] = _request_id(scope["headers"])
        structlog.contextvars.bind_contextvars(request_id=request_id)
        sender = _Sender(send, request_id)
        started = time.monotonic()
        try:
            await self._app(scope, receive, sender)
        except ClientGone:
            pass
        except Exception as error:
            log.error("request.failed", route=_route(scope), error=repr(error), exc_info=True)
            if sender.status is None:
                await failure_of(scope["path"])(HttpError(500, _INTERNAL), request_id)(scope, receive, sender)
        finally:
            self._tell(scope, sender.status, time.monotonic() - started)

    @staticmethod
    def _tell(scope: Scope, status: int | None, seconds: float) -> None:
        route, method = _route(scope), scope["method"]
        metrics.answered(route, method, status, seconds)
        log.info("request.answered", method=method, route=route, status=status, seconds=round(seconds, 6))


_INTERNAL = "an internal error: tell the operator the request id"


class _Sender:
    """Sends on what the app sends; adds our headers, remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._headers = [(b"x-request-id", request_id.encode()), *SECURITY_HEADERS]
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._headers]
        await self._send(message)


def _route(scope: Scope) -> str:
    route: str = scope.get("runhook.route", "unmatched")
    return route


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"x-request-id" and _SANE.fullmatch(value):
            return value.decode()
    return os.urandom(16).hex()
