"""Requests sent ahead, answers that come early, clients that end their side first."""

import asyncio

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.support.gateway import gateway, serving
from tests.support.wire import HEALTHZ, Wire, request, wire

EVENTS = "/api/v1/accounts/1/events"


async def send_for_ever(line: Wire, data: bytes) -> None:
    async with asyncio.timeout(10):
        while True:
            line.send(data)
            await line.writer.drain()


async def test_requests_sent_ahead_are_answered_in_their_order() -> None:
    async with gateway() as call, wire(call.port) as line:
        asked = [
            request("GET", "/healthz" if n % 3 else f"/nowhere/{n}", f"X-Request-Id: number-{n}") for n in range(100)
        ]
        line.send(b"".join(asked))
        answers = [await line.answer() for _ in asked]
        assert [answer.headers["x-request-id"] for answer in answers] == [f"number-{n}" for n in range(100)]
        assert [answer.status for answer in answers] == [200 if n % 3 else 404 for n in range(100)]


async def test_however_much_is_sent_ahead_one_request_is_taken_up_at_a_time() -> None:
    under_way, most, taken = 0, 0, 0

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal under_way, most, taken
        under_way, taken = under_way + 1, taken + 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        await Response(b"ok")(scope, receive, send)

    async with serving(counting) as door, wire(door.port) as line:
        line.send(b"".join(request("POST", "/", f"Content-Length: {n % 7}", body=b"x" * (n % 7)) for n in range(2000)))
        for _ in range(2000):
            assert (await line.answer()).body == b"ok"
    assert (most, taken) == (1, 2000)


async def test_who_sends_ahead_and_never_reads_is_not_read_for_ever() -> None:
    stopped = asyncio.Event()

    async def hanging(scope: Scope, receive: Receive, send: Send) -> None:
        await stopped.wait()
        await Response(b"ok")(scope, receive, send)

    async with serving(hanging) as door, wire(door.port) as line:
        line.writer.transport.set_write_buffer_limits(high=0)
        line.send(HEALTHZ * 500_000)
        with pytest.raises(TimeoutError):  # 17 MB: the kernel's buffers are full long before
            await asyncio.wait_for(line.writer.drain(), 1)
        assert line.writer.transport.get_write_buffer_size() > 1_000_000
        stopped.set()
        assert (await line.answer()).body == b"ok"


async def test_the_rest_of_a_body_that_was_answered_early_is_not_the_next_request() -> None:
    async with gateway() as call, wire(call.port) as line:
        inside = HEALTHZ * 10
        line.send(request("POST", EVENTS, f"Content-Length: {len(inside)}", body=inside[:50]))
        assert (await line.answer()).status == 401
        line.send(inside[50:] + request("GET", "/nowhere"))
        assert (await line.answer()).status == 404


async def test_a_client_that_sends_all_before_it_reads_still_sees_why_it_was_refused() -> None:
    body = b"x" * 3_000_000
    async with gateway() as call:
        for connection in ("close", "keep-alive"):
            async with wire(call.port) as line:
                line.send(request("POST", EVENTS, f"Connection: {connection}", f"Content-Length: {len(body)}"))
                for start in range(0, len(body), 100_000):
                    line.send(body[start : start + 100_000])
                    await line.writer.drain()
                assert (await line.answer()).status == 401


async def test_a_body_without_end_that_nobody_reads_ends_the_connection() -> None:
    async with gateway() as call, wire(call.port) as line:
        line.send(request("POST", EVENTS, "Transfer-Encoding: chunked"))
        assert (await line.answer()).status == 401
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            await send_for_ever(line, b"10000\r\n" + bytes(65536) + b"\r\n")


async def test_who_waits_for_100_continue_gets_it_or_a_refusal_and_the_end() -> None:
    head = ("Content-Length: 2", "Expect: 100-continue")
    async with gateway() as call:
        async with wire(call.port) as line:
            answer = await line.ask(request("POST", EVENTS, *head))
            assert (answer.status, answer.headers["connection"]) == (401, "close")
            assert await line.rest() == b""
        async with wire(call.port) as line:
            assert (await line.ask(request("POST", EVENTS, *head, "Authorization: Bearer t"))).status == 100
            answer = await line.ask(b"[]")
            assert answer.status in (400, 503)
            assert "connection" not in answer.headers
            assert (await line.ask(HEALTHZ)).status == 200


async def test_who_ends_its_side_after_asking_still_gets_every_answer() -> None:
    async with gateway() as call, wire(call.port) as line:
        line.send(HEALTHZ * 3)
        line.writer.write_eof()
        assert (await line.rest()).count(b"alive\n") == 3


async def test_who_ends_its_side_in_the_middle_gets_nothing() -> None:
    async with gateway() as call:
        for begun in (b"GET / HT", request("POST", EVENTS, "Content-Length: 5", "Authorization: Bearer t", body=b"{")):
            async with wire(call.port) as line:
                line.send(begun)
                line.writer.write_eof()
                assert await line.rest() == b""


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 50])
async def test_where_the_network_cuts_makes_no_difference(size: int) -> None:
    asked = b"".join(
        [
            HEALTHZ,
            request("POST", "/nowhere", "Content-Length: 8", body=b"\r\n\r\n\r\n\r\n"),
            request("POST", "/nowhere", "Transfer-Encoding: chunked", body=b"4\r\n\r\n\r\n\r\n0\r\nX: y\r\n\r\n"),
            HEALTHZ,
        ]
    )
    async with gateway() as call, wire(call.port) as line:
        for start in range(0, len(asked), size):
            line.send(asked[start : start + size])
            await asyncio.sleep(0)
        assert [(await line.answer()).status for _ in range(4)] == [200, 404, 404, 200]
