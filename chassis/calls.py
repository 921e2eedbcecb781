"""What every gRPC call passes through: time, count, one error mapping, no internals to the caller, one log line.

The line of a call that succeeds is of level debug, so that a busy process writes of failures alone. It is on the hot path
of every read: metrics are bound once per method, and nothing is built for a call that goes well.
"""

import re
import time
from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Any, TypeAlias, cast

import grpc
from prometheus_client import Counter, Histogram
from structlog.contextvars import bind_contextvars

from chassis import tracing
from chassis.database import AWAY_ERRORS, away
from chassis.errors import DomainError
from chassis.histogram import SECONDS
from chassis.logs import REQUEST_ID_KEY, get_logger
from chassis.status import rpc_status_of

log = get_logger()
CALL_SECONDS = Histogram(
    "runhook_grpc_call_seconds",
    "Time of a gRPC call, of a stream from its beginning to its end.",
    ["method"],
    buckets=SECONDS,
)
CALLS = Counter(
    "runhook_grpc_calls_total",
    "gRPC calls by their status code; INTERNAL is an error of ours, UNAVAILABLE a database that is away.",
    ["method", "code"],
)
Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # quoted: generic in the stubs alone
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@cache
def _calls(method: str, code: str) -> Counter:
    return CALLS.labels(method, code)


class _Method:
    """Tells metrics, log and caller how the calls of a method end."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._seconds = CALL_SECONDS.labels(method)
        self._succeeded = _calls(method, "OK")

    def begun(self, context: Context) -> float:
        """The time now; from here on the call's log lines have the request id that it came with."""
        for key, value in context.invocation_metadata() or ():
            if key == REQUEST_ID_KEY and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
                bind_contextvars(request_id=value)
        return time.monotonic()

    def succeeded(self, started: float) -> None:
        """Counts a call that was answered."""
        seconds = time.monotonic() - started
        self._seconds.observe(seconds)
        self._succeeded.inc()
        log.debug("call.answered", method=self._method, code="OK", seconds=seconds)

    async def failed(self, error: BaseException, context: Context, started: float) -> None:
        """Answers a call that raised. Returns only for an error that is no answer: a caller that is gone, an abort."""
        if isinstance(error, AWAY_ERRORS):
            error = away(error)
        if isinstance(error, DomainError):
            self._count(error.code.name, started)
            seconds = round(time.monotonic() - started, 6)
            log.info("call.refused", method=self._method, code=error.code.name, reason=error.reason, seconds=seconds)
            await context.abort_with_status(rpc_status_of(error))
        elif isinstance(error, grpc.aio.AbortError):
            self._count("ABORTED", started)
        elif isinstance(error, Exception):
            self._count("INTERNAL", started)
            log.error("call.failed", method=self._method, error=repr(error), exc_info=error)
            await context.abort(grpc.StatusCode.INTERNAL, "internal error")
        else:
            self._count("CANCELLED", started)

    def _count(self, code: str, started: float) -> None:
        self._seconds.observe(time.monotonic() - started)
        _calls(self._method, code).inc()


class _Observed(grpc.GenericRpcHandler):
    """The methods of a service, each wrapped once; those of gRPC itself (health, reflection) pass untouched."""

    def __init__(self, handler: grpc.GenericRpcHandler) -> None:
        self._handler = handler
        self._observed: dict[str, Handler] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        """The method of that name, None if it is another service's."""
        name = handler_call_details.method
        if name in self._observed:
            return self._observed[name]
        handler: Handler | None = self._handler.service(handler_call_details)
        if handler is None or name.startswith("/grpc."):
            return handler
        self._observed[name] = _wrap(handler, name.rpartition("/")[2])
        return self._observed[name]


class _Registrar:
    """What generated code registers a service with, in place of the server."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Adds the methods to the server, observed."""
        self._server.add_generic_rpc_handlers([_Observed(handler) for handler in generic_rpc_handlers])

    def add_registered_method_handlers(self, service_name: str, method_handlers: dict[str, Handler]) -> None:
        """Nothing: generated code has named the same methods to the other."""


def observing(server: grpc.aio.Server) -> grpc.aio.Server:
    """What to register services with, so that their calls pass through here.

    It is no interceptor, and methods are not pre-registered: grpc.aio runs coroutines per call for the one, and waits anew
    for every method before every call for the other. For a service of twenty methods that was a fifth of what a call costs.
    """
    return cast(grpc.aio.Server, _Registrar(server))


def _traced(unary: Any, method: str) -> Any:
    """The method with a span for each call that says which trace it belongs to. Others begin none: most calls of our own
    processes are nobody's request."""

    async def answer(request: Any, context: Context) -> Any:
        parent = next((v for k, v in context.invocation_metadata() or () if k == tracing.TRACEPARENT_KEY), "")
        span = tracing.begin(method, "server", parent=str(parent)) if parent else None
        if span is None:
            return await unary(request, context)
        tracing.current.set(span)
        try:
            answered = await unary(request, context)
        except BaseException as error:
            span.end(type(error).__name__)
            raise
        span.end()
        return answered

    return answer


def _wrap(handler: Any, method: str) -> Any:
    observed = _Method(method)
    unary = handler.stream_unary if handler.request_streaming else handler.unary_unary
    if tracing.on():
        unary = _traced(unary, method)
    stream = handler.stream_stream if handler.request_streaming else handler.unary_stream

    async def answer_once(request: Any, context: Context) -> Any:
        started = observed.begun(context)
        try:
            answer = await unary(request, context)
        except BaseException as error:
            await observed.failed(error, context, started)
            raise
        observed.succeeded(started)
        return answer

    async def answer_stream(request: Any, context: Context) -> AsyncIterator[Any]:
        started = observed.begun(context)
        try:
            async for answer in stream(request, context):
                yield answer
        except BaseException as error:
            await observed.failed(error, context, started)
            raise
        observed.succeeded(started)

    wire = {"request_deserializer": handler.request_deserializer, "response_serializer": handler.response_serializer}
    if handler.response_streaming:
        make = (
            grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        )
        return make(answer_stream, **wire)
    make_unary = (
        grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
    )
    return make_unary(answer_once, **wire)
