"""Calls through a real gRPC server: what callers, metrics and the log are told of how each ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import grpc
import pytest
from prometheus_client import REGISTRY
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from chassis.errors import BadField, DomainError, InvalidInput, NotFound
from chassis.status import refusal_of
from tests.support.grpc_peer import serving

METHOD = "GetThing"
Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
Context = grpc.aio.ServicerContext[bytes, bytes]


@dataclass
class Service:
    """One method, which does what the test wants."""

    behavior: Callable[[], Awaitable[None]]
    bound: dict[str, Any] = field(default_factory=dict)

    async def get_thing(self, request: bytes, context: Context) -> bytes:
        """Notes what is bound to its log lines."""
        self.bound = get_contextvars()
        await self.behavior()
        return request

    def add(self, server: grpc.aio.Server) -> None:
        """Registers it."""
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self.get_thing)
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Things", {METHOD: method})])


@asynccontextmanager
async def served(behavior: Callable[[], Awaitable[None]]) -> AsyncIterator[tuple[Call, Service]]:
    service = Service(behavior)
    async with serving(service.add) as target, grpc.aio.insecure_channel(target) as channel:
        yield channel.unary_unary(f"/test.Things/{METHOD}"), service


async def nothing() -> None:
    """Goes well."""


def raising(error: Exception) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


def counted(code: str) -> float:
    labels = {"method": METHOD, "code": code}
    return REGISTRY.get_sample_value("runhook_grpc_calls_total", labels) or 0.0


def timed() -> float:
    return REGISTRY.get_sample_value("runhook_grpc_call_seconds_count", {"method": METHOD}) or 0.0


async def test_a_call_that_goes_well_is_counted_and_timed_and_leaves_a_line_of_level_debug() -> None:
    before, timed_before = counted("OK"), timed()
    async with served(nothing) as (call, _):
        with capture_logs() as lines:
            await call(b"x")
    assert (counted("OK"), timed()) == (before + 1, timed_before + 1)
    assert [(line["event"], line["log_level"], line["method"]) for line in lines] == [
        ("call.answered", "debug", METHOD)
    ]


async def test_the_request_id_of_the_caller_is_on_the_lines_of_its_call() -> None:
    async with served(nothing) as (call, service):
        await call(b"x", metadata=(("x-request-id", "req-0123.ABC_9"),))
        assert service.bound["request_id"] == "req-0123.ABC_9"
        await call(b"x")
        assert "request_id" not in service.bound


@pytest.mark.parametrize("sent", ["two words", "x" * 129, '"},{"', ""])
async def test_what_is_no_sane_request_id_never_reaches_the_log(sent: str) -> None:
    async with served(nothing) as (call, service):
        await call(b"x", metadata=(("x-request-id", sent),))
        assert "request_id" not in service.bound


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (NotFound("SUBSCRIPTION_NOT_FOUND", "no such subscription"), "NOT_FOUND", "SUBSCRIPTION_NOT_FOUND"),
        (InvalidInput([BadField("name", "is required")]), "INVALID_ARGUMENT", "INVALID_INPUT"),
        (asyncpg.ConnectionDoesNotExistError("gone"), "UNAVAILABLE", "DATABASE_UNAVAILABLE"),
        (TimeoutError(), "UNAVAILABLE", "DATABASE_UNAVAILABLE"),
    ],
)
async def test_a_refusal_has_its_code_and_reason_for_the_caller_the_metrics_and_the_log(
    error: DomainError, code: str, reason: str
) -> None:
    before = counted(code)
    async with served(raising(error)) as (call, _):
        with capture_logs() as lines, pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(b"x")
    refusal = refusal_of(raised.value)
    assert (refusal.code.name, refusal.reason) == (code, reason)
    assert counted(code) == before + 1
    last = lines[-1]
    assert (last["event"], last["log_level"], last["code"], last["reason"]) == ("call.refused", "info", code, reason)


async def test_an_error_that_nobody_expected_tells_the_log_everything_and_the_caller_nothing() -> None:
    before = counted("INTERNAL")
    async with served(raising(KeyError("a secret of ours"))) as (call, _):
        with capture_logs() as lines, pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(b"x")
    assert raised.value.code() is grpc.StatusCode.INTERNAL
    assert raised.value.details() == "internal error"
    assert counted("INTERNAL") == before + 1
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("call.failed", "error")
    assert isinstance(line["exc_info"], KeyError)


async def test_a_caller_that_goes_away_is_counted_as_cancelled_and_is_no_success() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    well, cancelled = counted("OK"), counted("CANCELLED")
    async with served(wait) as (call, _):
        calling = call(b"x")
        await begun.wait()
        calling.cancel()
        await ended.wait()
    assert (counted("OK"), counted("CANCELLED")) == (well, cancelled + 1)
