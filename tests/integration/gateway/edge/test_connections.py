"""How many connections there may be, in all and from one address, and how much they may hold."""

import asyncio
import socket
from contextlib import AsyncExitStack

from tests.support.gateway import gateway, gauge, refused, until
from tests.support.wire import HEALTHZ, Wire, request, wire

EVENTS = "/api/v1/accounts/1/events"
TOKEN = "Authorization: Bearer t"


async def connect(stack: AsyncExitStack, port: int, count: int, *, source: str = "127.0.0.1") -> list[Wire]:
    return [await stack.enter_async_context(wire(port, source=source)) for _ in range(count)]


async def served(lines: list[Wire]) -> int:
    """How many of them get an answer of the app; the others get 503 or an end."""
    count = 0
    for line in lines:
        line.send(HEALTHZ)
    for line in lines:
        try:
            answer = await line.answer()
        except (asyncio.IncompleteReadError, ConnectionResetError):
            continue
        if answer.status == 200:
            count += 1
        else:
            assert (answer.status, answer.headers["retry-after"], answer.headers["connection"]) == (503, "1", "close")
            assert answer.json["reason"] == "CONNECTIONS_OF_ADDRESS"
            assert len(answer.headers["x-request-id"]) == 32
    return count


async def test_three_hundred_connections_from_one_address_are_256() -> None:
    before = refused("connections_of_address")
    async with gateway() as call, AsyncExitStack() as stack:
        assert await served(await connect(stack, call.port, 300)) == 256
        assert refused("connections_of_address") == before + 44


async def test_another_address_is_served_while_one_has_all_it_may_have() -> None:
    async with gateway(gateway_connections_per_address=5) as call, AsyncExitStack() as stack:
        assert await served(await connect(stack, call.port, 8)) == 5
        assert await served(await connect(stack, call.port, 8, source="127.0.0.2")) == 5


async def test_who_was_refused_is_told_so_when_it_listens_first() -> None:
    async with gateway(gateway_connections_per_address=1) as call, wire(call.port) as first:
        assert (await first.ask(HEALTHZ)).status == 200
        async with wire(call.port) as second:
            answer = await second.answer()
            assert (answer.status, answer.json["reason"]) == (503, "CONNECTIONS_OF_ADDRESS")
            assert await second.rest() == b""


async def test_a_connection_that_ends_makes_room_however_it_ended() -> None:
    async with gateway(gateway_connections_per_address=3) as call:
        for _ in range(3):
            async with AsyncExitStack() as stack:
                lines = await connect(stack, call.port, 3)
                assert await served(lines) == 3
                lines[0].writer.close()
                assert (await lines[1].ask(b"garbage\r\n\r\n")).status == 400
            await until(lambda: gauge("connections") == 0)


async def test_all_connections_together_have_a_limit() -> None:
    async with gateway(gateway_connections=4) as call, AsyncExitStack() as stack:
        assert await served(await connect(stack, call.port, 4)) == 4
        async with wire(call.port) as line:
            answer = await line.answer()
            assert (answer.status, answer.json["reason"]) == (503, "CONNECTIONS")


async def test_a_trusted_proxy_may_have_as_many_as_there_are() -> None:
    async with (
        gateway(gateway_connections_per_address=2, trusted_proxies="127.0.0.0/8") as call,
        AsyncExitStack() as stack,
    ):
        assert await served(await connect(stack, call.port, 20)) == 20


async def test_bodies_that_are_on_their_way_have_a_limit_and_an_address_a_quarter_of_it() -> None:
    mib = 1024 * 1024
    async with gateway(gateway_bodies_bytes=16 * mib) as call, AsyncExitStack() as stack:
        slow = await connect(stack, call.port, 4)
        for line in slow:
            line.send(request("POST", EVENTS, TOKEN, f"Content-Length: {mib}", body=b"{" * (mib - 1)))
        await until(lambda: gauge("body_bytes") == 4 * (mib - 1))
        async with wire(call.port) as line:
            before = refused("bodies")
            line.send(request("POST", EVENTS, TOKEN, f"Content-Length: {mib}", body=b"{" * (mib - 1)))
            answer = await line.answer()
            assert (answer.status, answer.json["reason"]) == (503, "BODIES")
            assert answer.headers["retry-after"] == "1"
            assert refused("bodies") == before + 1
        async with wire(call.port, source="127.0.0.2") as line:
            answer = await line.ask(request("POST", EVENTS, TOKEN, "Content-Length: 2", body=b"{}"))
            assert answer.json["reason"] != "BODIES"
        for line in slow:
            line.writer.transport.abort()
        await until(lambda: gauge("connections") == gauge("body_bytes") == 0)
        async with wire(call.port) as line:
            answer = await line.ask(request("POST", EVENTS, TOKEN, "Content-Length: 2", body=b"{}"))
            assert answer.json["reason"] != "BODIES"


async def test_connections_that_come_and_go_at_once_leave_nothing_behind() -> None:
    async with gateway() as call:
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", call.port)):
                pass
        assert (await call("GET", "/healthz")).status == 200
        await until(lambda: gauge("connections") == 1)
