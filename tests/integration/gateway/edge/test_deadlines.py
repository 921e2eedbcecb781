"""Clients that take their time: each is cut off, and nobody else waits for them."""

import asyncio
import time

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.edge import connection
from tests.support.gateway import gateway, refused, serving, until
from tests.support.wire import HEALTHZ, Wire, request, wire

V3 = "/api/v3/accounts/1/webhooks/subscriptions"
TOKEN = "Authorization: Bearer t"


async def drip(line: Wire, data: bytes, pause: float) -> None:
    """A byte at a time until the other side has had enough."""
    for byte in data:
        line.send(bytes([byte]))
        await asyncio.sleep(pause)


async def test_who_says_nothing_is_cut_off() -> None:
    async with gateway(gateway_head_seconds=0.5) as call, wire(call.port) as line:
        started = time.monotonic()
        assert await line.rest() == b""
        assert 0.4 < time.monotonic() - started < 3


@pytest.mark.parametrize("before", [0, 1], ids=["first-request", "second-request"])
async def test_a_head_that_drips_is_408(before: int) -> None:
    async with gateway(gateway_head_seconds=0.5) as call, wire(call.port) as line:
        for _ in range(before):
            assert (await line.ask(HEALTHZ)).status == 200
        dripping = asyncio.create_task(drip(line, b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 200, 0.05))
        answer = await line.answer(5)
        assert (answer.status, answer.json["reason"]) == (408, "HEAD_TOO_SLOW")
        assert answer.headers["connection"] == "close"
        assert await line.rest() == b""
        dripping.cancel()


async def test_a_connection_that_idles_is_closed_without_a_word() -> None:
    async with gateway(gateway_idle_seconds=0.5, gateway_head_seconds=60) as call, wire(call.port) as line:
        for _ in range(3):
            assert (await line.ask(HEALTHZ)).status == 200
        assert await line.rest(4) == b""


async def test_a_request_that_follows_within_the_idle_time_is_served() -> None:
    async with gateway(gateway_idle_seconds=60, gateway_head_seconds=0.5) as call, wire(call.port) as line:
        assert (await line.ask(HEALTHZ)).status == 200
        await asyncio.sleep(1.5)  # longer than a head may take, with a sweep or two within
        assert (await line.ask(HEALTHZ)).status == 200


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
async def test_a_body_that_drips_is_408_in_the_format_of_its_path(framing: str) -> None:
    async with gateway(gateway_body_seconds=0.5) as call, wire(call.port) as line:
        line.send(request("POST", V3, TOKEN, framing))
        chunked = framing.startswith("Transfer")
        dripping = asyncio.create_task(drip(line, b"1\r\n{\r\n" * 100 if chunked else b"{" * 500, 0.02))
        answer = await line.answer(5)
        assert (answer.status, answer.json["status"]["code"]) == (408, 408)
        assert answer.headers["connection"] == "close"
        assert await line.rest() == b""
        dripping.cancel()


async def test_the_rest_of_a_body_that_was_answered_early_has_a_deadline_too() -> None:
    async with gateway(gateway_body_seconds=0.5) as call, wire(call.port) as line:
        answer = await line.ask(request("POST", V3, "Content-Length: 1000", body=b"{"))
        assert answer.status == 401
        assert await line.rest(4) == b""


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with more than the kernel keeps for a client that does not read."""
    await Response(bytes(32 * 1024 * 1024))(scope, receive, send)


@pytest.mark.parametrize("header", ["Connection: close", "Connection: keep-alive"])
async def test_who_does_not_read_an_answer_is_cut_off(header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SLOWEST_READER", 1024 * 1024 * 1024)
    before = refused("reader_too_slow")
    async with serving(large, gateway_write_seconds=0.5) as door, wire(door.port) as line:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        line.send(request("GET", "/", header))
        await until(lambda: refused("reader_too_slow") > before)


async def test_who_reads_slowly_but_steadily_gets_it_all() -> None:
    async with serving(large, gateway_write_seconds=0.2) as door, wire(door.port) as line:
        line.send(request("GET", "/"))
        await asyncio.sleep(1)  # longer than the seconds alone
        assert len((await line.answer()).body) == 32 * 1024 * 1024


async def test_five_hundred_slow_clients_cost_the_others_nothing() -> None:
    async with gateway(gateway_connections_per_address=600) as call:
        lines = [await asyncio.open_connection("127.0.0.1", call.port) for _ in range(500)]
        for _, writer in lines:
            writer.write(b"GET /healthz HTTP/1.1\r\nX: ")
        started = time.monotonic()
        for _ in range(50):
            assert (await call("GET", "/healthz")).status == 200
        assert time.monotonic() - started < 5
        for _, writer in lines:
            writer.transport.abort()
