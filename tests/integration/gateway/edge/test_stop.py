"""A stop: what was asked is answered, who asks within the moment is told to come back elsewhere, nobody holds it up."""

import asyncio
import time

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.edge.throttle import Throttle
from gateway.observer import Observer
from tests.support.gateway import gauge, serving, until
from tests.support.wire import HEALTHZ, request, wire


class Slow:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.let = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.arrived.set()
        await self.let.wait()
        await Response(b"done")(scope, receive, send)


async def test_requests_under_way_are_answered_and_told_that_the_connection_ends() -> None:
    slow = Slow()
    async with serving(slow) as door, wire(door.port) as line:
        line.send(HEALTHZ)
        await slow.arrived.wait()
        stopping = asyncio.create_task(door.close(5))
        await asyncio.sleep(0.2)
        with pytest.raises(ConnectionRefusedError):
            async with wire(door.port):
                pass
        slow.let.set()
        answer = await line.answer()
        assert (answer.body, answer.headers["connection"]) == (b"done", "close")
        assert await line.rest() == b""
        await asyncio.wait_for(stopping, 3)


async def test_a_kept_connection_may_ask_once_more_and_idle_ones_end() -> None:
    slow = Slow()
    slow.let.set()
    async with serving(slow) as door, wire(door.port) as asking, wire(door.port) as idle:
        for line in (asking, idle):
            assert "connection" not in (await line.ask(HEALTHZ)).headers
        stopping = asyncio.create_task(door.close(5))
        await asyncio.sleep(0.2)
        answer = await asking.ask(HEALTHZ)
        assert (answer.body, answer.headers["connection"]) == (b"done", "close")
        assert await idle.rest(5) == b""
        await asyncio.wait_for(stopping, 3)
    assert gauge("connections") == 0


async def test_what_is_not_done_when_the_grace_is_over_is_503_and_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    slow = Slow()
    async with serving(Observer(slow, Throttle(0, 0))) as door, wire(door.port) as line:
        line.send(HEALTHZ)
        await slow.arrived.wait()
        started = time.monotonic()
        await door.close(1)
        assert time.monotonic() - started < 3
        answer = await line.answer()
        assert (answer.status, answer.json["reason"], answer.headers["retry-after"]) == (503, "STOPPING", "1")
    assert "Traceback" not in capsys.readouterr().err


async def test_who_was_answered_and_still_sends_does_not_hold_up_a_stop() -> None:
    slow = Slow()
    slow.let.set()
    async with serving(slow) as door, wire(door.port) as line:
        answer = await line.ask(request("POST", "/", "Content-Length: 10", body=b"x"))
        assert (answer.body, "connection" in answer.headers) == (b"done", False)
        await asyncio.wait_for(door.close(30), 5)
        assert await line.rest() == b""


async def test_slow_clients_do_not_hold_up_a_stop() -> None:
    slow = Slow()
    async with serving(slow) as door, wire(door.port) as half_a_head, wire(door.port) as half_a_body:
        half_a_head.send(b"GET / HTTP/1.1\r\n")
        half_a_body.send(request("POST", "/", "Content-Length: 10", body=b"x"))
        await slow.arrived.wait()
        await until(lambda: gauge("connections") == 2)
        await asyncio.wait_for(door.close(1), 4)
        assert await half_a_head.rest() == b""
        await half_a_body.rest()
    assert gauge("connections") == 0
