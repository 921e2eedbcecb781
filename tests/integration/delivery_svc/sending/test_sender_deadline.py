"""One deadline over everything: resolving, connecting, TLS, the head and the body of the answer."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from delivery_svc.sending.address import Address
from delivery_svc.sending.exchange import ErrorClass, Exchange
from delivery_svc.sending.phase import PHASES
from delivery_svc.sending.resolver import Resolver
from delivery_svc.sending.sender import Sender
from tests.support.receiver import Answer, Peer, Receiver, Request
from tests.support.sending import post, start_post

MakeSender = Callable[..., Sender]

TIMEOUT = 0.5
SLACK = 1.5  # the sweep's step, and a machine that is busy


def assert_timed_out(exchange: Exchange, phase: str) -> None:
    assert (exchange.status_code, exchange.error, exchange.phase) == (0, ErrorClass.TIMEOUT, phase)
    assert exchange.detail == f"No complete answer within {TIMEOUT:g} s ({PHASES[phase]})."
    assert TIMEOUT <= exchange.duration < TIMEOUT + SLACK


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose line of waiting connections is full: a connect to it gets no answer at all."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for sock in waiting:
            sock.close()


async def silence(peer: Peer, request: Request) -> None:
    await peer.closed_by_client()


async def drip_the_head(peer: Peer, request: Request) -> None:
    await peer.send_in_pieces(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 100, 1, 0.02)


async def drip_the_body(peer: Peer, request: Request) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    await peer.send_in_pieces(b"x" * 1000, 1, 0.02)


async def drip_interim_answers(peer: Peer, request: Request) -> None:
    await peer.send_in_pieces(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 25, 0.02)


async def drip_chunks(peer: Peer, request: Request) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await peer.send_in_pieces(b"1\r\nx\r\n" * 1000, 1, 0.02)


@pytest.mark.parametrize(
    ("answer", "phase"),
    [
        (silence, "answer"),
        (drip_the_head, "answer"),
        (drip_interim_answers, "answer"),
        (drip_the_body, "body"),
        (drip_chunks, "body"),
    ],
)
async def test_an_endpoint_that_does_not_finish_its_answer_times_out(
    make_sender: MakeSender, answer: Answer, phase: str
) -> None:
    sender = make_sender(timeout=TIMEOUT)
    async with Receiver(answer) as receiver:
        exchange = await post(sender, receiver.url)
        assert_timed_out(exchange, phase)
        assert exchange.head == exchange.body == b""
        assert sender.in_flight == 0
        await receiver.open_to(0)


async def test_an_endpoint_that_does_not_read_times_out(make_sender: MakeSender) -> None:
    sender = make_sender(timeout=TIMEOUT)

    async def never_read(peer: Peer) -> None:
        await asyncio.Event().wait()

    async with Receiver(greeting=never_read) as receiver:
        # Far beyond what the socket buffers of both sides take in.
        assert_timed_out(await post(sender, receiver.url, b"x" * 50_000_000), "write")


async def test_a_connect_that_gets_no_answer_is_cancelled(make_sender: MakeSender, full_port: int) -> None:
    sender = make_sender(timeout=TIMEOUT)
    assert_timed_out(await post(sender, f"http://127.0.0.1:{full_port}/"), "connect")
    assert sender.open_connections == 0


async def test_a_tls_handshake_that_gets_no_answer_is_cancelled(make_sender: MakeSender) -> None:
    sender = make_sender(timeout=TIMEOUT)

    async def never_shake_hands(peer: Peer) -> None:
        await peer.closed_by_client()

    async with Receiver(greeting=never_shake_hands) as receiver:
        url = f"https://127.0.0.1:{receiver.port}/"
        exchange = await post(sender, url)
        assert_timed_out(exchange, "tls")
        assert exchange.tls_seconds == pytest.approx(TIMEOUT, abs=SLACK)
        await receiver.open_to(0)


async def test_a_name_server_that_hangs_is_left_behind(make_sender: MakeSender) -> None:
    class HangingResolver(Resolver):
        async def resolve(self, host: str) -> tuple[Address, ...]:
            await asyncio.Event().wait()
            raise AssertionError

    sender = make_sender(timeout=TIMEOUT, resolver=HangingResolver())
    assert_timed_out(await post(sender, "http://hangs.example/"), "resolve")


async def test_time_that_a_stale_connection_cost_counts(make_sender: MakeSender) -> None:
    sender = make_sender(timeout=TIMEOUT)

    async def close_late(peer: Peer, request: Request) -> None:
        await asyncio.sleep(TIMEOUT / 2)
        peer.close()

    async with Receiver(200, close_late, silence) as receiver:
        await post(sender, receiver.url)
        assert_timed_out(await post(sender, receiver.url), "answer")
        assert len(receiver.requests) == 3


async def test_each_post_has_its_own_deadline(make_sender: MakeSender) -> None:
    sender = make_sender(timeout=TIMEOUT)
    async with Receiver(silence) as receiver:
        started = time.monotonic()
        first = start_post(sender, receiver.url)
        await asyncio.sleep(TIMEOUT / 2)
        second = start_post(sender, receiver.url)
        assert_timed_out(await first, "answer")
        assert not second.done()
        assert_timed_out(await second, "answer")
        assert time.monotonic() - started >= 1.5 * TIMEOUT


async def test_an_answer_within_the_deadline_is_not_disturbed_by_the_sweep(make_sender: MakeSender) -> None:
    sender = make_sender(timeout=2.0, sweep_seconds=0.01)

    async def slow(peer: Peer, request: Request) -> None:
        await asyncio.sleep(0.2)
        await peer.answer(200)

    async with Receiver(slow) as receiver:
        exchanges = await asyncio.gather(*(start_post(sender, receiver.url) for _ in range(10)))
    assert [exchange.status_code for exchange in exchanges] == [200] * 10
    assert all(0.2 <= exchange.duration < 2 for exchange in exchanges)
