"""A report says where a POST stood when it failed, what the steps to its connection took, and the answer's head."""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from delivery_svc.sending.address import Address, AddressPolicy
from delivery_svc.sending.exchange import ErrorClass
from delivery_svc.sending.resolver import ResolutionError, Resolver
from delivery_svc.sending.sender import Sender
from tests.support.receiver import Peer, Receiver, Request, answer
from tests.support.sending import post, start_post

MakeSender = Callable[..., Sender]


class SlowLoopback(Resolver):
    """Every name is this machine, after a while."""

    async def resolve(self, host: str) -> tuple[Address, ...]:
        await asyncio.sleep(0.05)
        return (ip_address("127.0.0.1"),)


async def test_the_steps_to_a_new_connection_are_timed_and_a_kept_one_has_none(make_sender: MakeSender) -> None:
    sender = make_sender(resolver=SlowLoopback())
    async with Receiver() as receiver:
        url = f"http://slow.example:{receiver.port}/"
        first, second = await post(sender, url), await post(sender, url)
    assert first.resolve_seconds is not None
    assert first.connect_seconds is not None
    assert first.resolve_seconds >= 0.04
    assert 0 < first.connect_seconds < first.duration
    assert first.resolve_seconds + first.connect_seconds <= first.duration
    assert first.tls_seconds is None
    assert (second.resolve_seconds, second.connect_seconds, second.tls_seconds) == (None, None, None)
    assert first.phase == second.phase == ""


async def test_a_post_that_a_stale_connection_failed_has_the_steps_of_its_new_one(sender: Sender) -> None:
    async def close_unanswered(peer: Peer, request: Request) -> None:
        peer.close()

    async with Receiver(200, close_unanswered, 202) as receiver:
        await post(sender, receiver.url)
        exchange = await post(sender, receiver.url)
    assert exchange.status_code == 202
    assert exchange.connect_seconds is not None


async def test_the_head_of_an_answer_is_reported_with_the_answer(sender: Sender) -> None:
    async with Receiver(
        answer(503, b"no", ["X-Why: maintenance", "Retry-After: 9"]), b"HTTP/1.1 204 None\r\n\r\n"
    ) as r:
        assert (await post(sender, r.url)).head == b"X-Why: maintenance\r\nRetry-After: 9\r\nContent-Length: 2\r\n"
        assert (await post(sender, r.url)).head == b""
        assert r.connections == 1


async def test_a_head_beyond_four_kibibytes_ends_with_its_last_whole_line(sender: Sender) -> None:
    line = "X-Line: " + "y" * 90
    async with Receiver(answer(200, b"", [line] * 60)) as receiver:
        exchange = await post(sender, receiver.url)
    assert exchange.head == f"{line}\r\n".encode() * 40


async def test_an_idle_connection_keeps_no_answer_in_memory(sender: Sender) -> None:
    async with Receiver(answer(200, b"x" * 50_000)) as receiver:
        exchange = await post(sender, receiver.url)
        assert len(exchange.body) == 4096
        (connection,) = sender._open
        assert (connection.answer.excerpt, connection.answer._head) == (b"", b"")


async def test_what_never_resolves_stood_at_resolve(make_sender: MakeSender) -> None:
    class NoSuchName(Resolver):
        async def resolve(self, host: str) -> tuple[Address, ...]:
            raise ResolutionError("The host name could not be resolved.")

    exchange = await post(make_sender(resolver=NoSuchName()), "http://nowhere.example/")
    assert (exchange.error, exchange.phase) == (ErrorClass.DNS, "resolve")
    assert exchange.resolve_seconds is not None
    assert exchange.connect_seconds is None


async def test_a_denied_address_stood_at_resolve_and_a_closed_port_at_connect(make_sender: MakeSender) -> None:
    denied = await post(make_sender(policy=AddressPolicy()), "http://127.0.0.1:9/")
    assert (denied.error, denied.phase) == (ErrorClass.ADDRESS_DENIED, "resolve")
    async with Receiver() as receiver:
        closed = receiver.url
    refused = await post(make_sender(), closed)
    assert (refused.error, refused.phase) == (ErrorClass.CONNECT, "connect")
    assert refused.connect_seconds is not None


@pytest.mark.parametrize("way", ["close", "reset", "half_close"])
@pytest.mark.parametrize(
    ("sent", "phase"),
    [
        (b"", "answer"),
        (b"HTTP/1.1 2", "answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "body"),
    ],
)
async def test_a_connection_that_ends_early_stood_at_the_head_or_the_body(
    sender: Sender, way: str, sent: bytes, phase: str
) -> None:
    async def break_off(peer: Peer, request: Request) -> None:
        await peer.send(sent)
        # A reset drops what the other side has not read yet.
        await asyncio.sleep(0.05)
        getattr(peer, way)()
        await peer.closed_by_client()

    async with Receiver(break_off) as receiver:
        exchange = await post(sender, receiver.url)
    assert (exchange.error, exchange.phase) == (ErrorClass.RESET, phase)


@pytest.mark.parametrize("way", ["close", "reset"])
async def test_a_connection_that_ends_under_a_long_request_stood_at_write(sender: Sender, way: str) -> None:
    async def shut_the_door(peer: Peer) -> None:
        await asyncio.sleep(0.1)
        getattr(peer, way)()

    async with Receiver(greeting=shut_the_door) as receiver:
        exchange = await post(sender, receiver.url, b"x" * 50_000_000)
    assert (exchange.error, exchange.phase) == (ErrorClass.RESET, "write")


async def test_a_sender_that_shuts_down_says_where_each_post_stood(make_sender: MakeSender) -> None:
    class HangingResolver(Resolver):
        async def resolve(self, host: str) -> tuple[Address, ...]:
            if host == "127.0.0.1":
                return (ip_address(host),)
            await asyncio.Event().wait()
            raise AssertionError

    async def silence(peer: Peer, request: Request) -> None:
        await peer.closed_by_client()

    sender = make_sender(resolver=HangingResolver())
    async with Receiver(silence) as receiver:
        waiting = start_post(sender, receiver.url)
        resolving = start_post(sender, "http://hangs.example/")
        await receiver.request(1)
        await sender.close()
        late = await post(sender, receiver.url)
    assert [exchange.phase for exchange in (waiting.result(), resolving.result(), late)] == ["answer", "resolve", ""]
