"""Stands around everything that is served: request ids, security headers, rates, metrics, one log line for each request.

Invariant: every answer has X-Request-Id, and an error that nobody expected is a plain 500 without a trace of its cause.
The log line has the route's template; never the path, the query, a token or a body.
"""

import asyncio
import time
from collections.abc import Iterable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import tracing
from chassis.logs import get_logger
from gateway import metrics
from gateway.bodies import ClientGone
from gateway.edge import answer_headers
from gateway.edge.throttle import Throttle
from gateway.failures import Failure, failure_of
from gateway.http_errors import HttpError

log = get_logger()
THROTTLED = "/api/"
_TRACED = (THROTTLED, "/t/")
_INTERNAL = HttpError(500, "an internal error: tell the operator the request id")
_STOPPING = HttpError(503, "the gateway is stopping: call again", reason="STOPPING")


class Observer:
    """The outermost ASGI app."""

    def __init__(self, app: ASGIApp, throttle: Throttle) -> None:
        self._app = app
        self._throttle = throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        sent_id, authorization = _read(scope["headers"])
        request_id = scope["runhook.request_id"] = answer_headers.request_id(sent_id)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        sender = _Sender(send, request_id, scope["scheme"])
        span = _begin_span(scope) if tracing.on() else None
        started = time.monotonic()
        error: HttpError | None = None
        try:
            await self._pass_on(scope, receive, sender, authorization)
        except ClientGone:
            pass
        except HttpError as refusal:
            error = refusal
        except asyncio.CancelledError:  # the grace period is over
            error = _STOPPING
        except Exception as fault:
            log.error("request.failed", route=_route(scope), error=repr(fault), exc_info=True)
            error = _INTERNAL
        if error is not None and sender.status is None:
            failure: Failure = scope.get("runhook.failure") or failure_of(scope["path"])
            await failure(error, request_id)(scope, receive, sender)
        self._tell(scope, sender.status, time.monotonic() - started)
        if span is not None:
            _end_span(span, scope, sender.status)

    async def _pass_on(self, scope: Scope, receive: Receive, sender: "_Sender", authorization: bytes | None) -> None:
        if not scope["path"].startswith(THROTTLED):
            await self._app(scope, receive, sender)
            return
        guest = self._throttle.enter(authorization, _client(scope))
        try:
            await self._app(scope, receive, sender)
        finally:
            self._throttle.leave(guest, sender.status)

    @staticmethod
    def _tell(scope: Scope, status: int | None, seconds: float) -> None:
        route, method = _route(scope), scope["method"]
        metrics.answered(route, method, status, seconds)
        # A line for each of thousands of calls a second would cost more than the calls; those that are refused have one.
        tell = log.debug if "runhook.routine" in scope else log.info
        tell(
            "request.answered",
            method=method,
            route=route,
            status=status,
            seconds=round(seconds, 6),
            client=_client(scope),
        )


class _Sender:
    """Sends on what the app sends; adds our headers, remembers the status."""

    def __init__(self, send: Send, request_id: str, scheme: str) -> None:
        self._send = send
        self._request_id = request_id
        self._scheme = scheme
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = answer_headers.complete(message["headers"], self._request_id, self._scheme)
        await self._send(message)


def _read(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, bytes | None]:
    """X-Request-Id and Authorization."""
    request_id = authorization = None
    for name, value in headers:
        if name == answer_headers.REQUEST_ID:
            request_id = value
        elif name == b"authorization":
            authorization = value
    return request_id, authorization


def _begin_span(scope: Scope) -> tracing.Span | None:
    """The span of a request to the API or of a call; the caller's trace goes on, or a new one begins."""
    span = None
    if scope["path"].startswith(_TRACED):
        parent = dict(scope["headers"]).get(tracing.TRACEPARENT_KEY.encode(), b"").decode("latin-1")
        span = tracing.begin(scope["method"], "server", parent=parent)
    tracing.current.set(span)
    return span


def _end_span(span: tracing.Span, scope: Scope, status: int | None) -> None:
    route, method = _route(scope), scope["method"]
    span.rename(f"{method} {route}")
    span.note({"http.request.method": method, "http.route": route, "runhook.request.id": scope["runhook.request_id"]})
    if status is not None:
        span.note({"http.response.status_code": status})
    span.end("" if status is not None and status < 500 else "no answer" if status is None else str(status))


def _client(scope: Scope) -> str:
    client = scope["client"]
    return "" if client is None else str(client[0])


def _route(scope: Scope) -> str:
    route: str = scope.get("runhook.route", "unmatched")
    return route
