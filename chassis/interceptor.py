"""What every gRPC call passes through: time, count, one error mapping, no internals to the caller."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
from prometheus_client import Counter, Histogram

from chassis.database import AWAY_ERRORS, away
from chassis.errors import DomainError
from chassis.logs import get_logger
from chassis.status import rpc_status_of

log = get_logger()
CALL_SECONDS = Histogram("runhook_grpc_call_seconds", "Time of a gRPC call.", ["method"])
CALLS = Counter("runhook_grpc_calls_total", "gRPC calls by their status code.", ["method", "code"])
Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # quoted: generic in the stubs alone


@asynccontextmanager
async def _observed(method: str, context: Context) -> AsyncIterator[None]:
    started = time.monotonic()
    code = "OK"
    try:
        yield
    except DomainError as error:
        code = error.code.name
        await context.abort_with_status(rpc_status_of(error))
    except AWAY_ERRORS as error:
        code = "UNAVAILABLE"
        await context.abort_with_status(rpc_status_of(away(error)))
    except grpc.aio.AbortError:
        code = "ABORTED"
        raise
    except Exception as error:
        code = "INTERNAL"
        log.error("call.failed", method=method, error=repr(error), exc_info=True)
        await context.abort(grpc.StatusCode.INTERNAL, "internal error")
    finally:
        CALL_SECONDS.labels(method).observe(time.monotonic() - started)
        CALLS.labels(method, code).inc()


class Interceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of a server's methods; health and reflection pass untouched."""

    def __init__(self) -> None:
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["Handler | None"]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Returns the method's handler inside our observation; made once per method."""
        name = handler_call_details.method
        if name in self._wrapped:
            return self._wrapped[name]
        handler = await continuation(handler_call_details)
        if handler is None or name.startswith("/grpc."):
            return handler
        self._wrapped[name] = _wrap(handler, name.rpartition("/")[2])
        return self._wrapped[name]


def _wrap(handler: Any, method: str) -> Any:
    async def answer_once(request: Any, context: Context) -> Any:
        async with _observed(method, context):
            behavior = handler.stream_unary if handler.request_streaming else handler.unary_unary
            return await behavior(request, context)

    async def answer_stream(request: Any, context: Context) -> AsyncIterator[Any]:
        async with _observed(method, context):
            behavior = handler.stream_stream if handler.request_streaming else handler.unary_stream
            async for answer in behavior(request, context):
                yield answer

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
