"""Connections are kept, used again, given up in time; a stale one costs a retry and never a report."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from delivery_svc.sending.exchange import ErrorClass
from delivery_svc.sending.sender import Sender
from tests.support.receiver import Peer, Receiver, Request, answer
from tests.support.sending import post, start_post

MakeSender = Callable[..., Sender]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (the sender has no event for this)
            await asyncio.sleep(0.01)


async def test_a_request_is_what_the_contract_says(sender: Sender) -> None:
    async with Receiver() as receiver:
        await post(sender, receiver.url + "/a%2Fb?c=d#e", b'{"n":1}', b"X-One: 1\r\nX-Two: 2\r\n")
        request = await receiver.request(1)
    assert request.head == (
        f"POST /hook/a%2Fb?c=d HTTP/1.1\r\nHost: 127.0.0.1:{receiver.port}\r\nX-One: 1\r\nX-Two: 2\r\n"
        "Content-Length: 7\r\n\r\n"
    ).encode("ascii")
    assert request.body == b'{"n":1}'


async def test_posts_one_after_the_other_share_a_connection(sender: Sender) -> None:
    async with Receiver() as receiver:
        for _ in range(20):
            assert (await post(sender, receiver.url)).status_code == 200
        assert receiver.connections == 1
        assert sender.idle_connections == sender.open_connections == 1


async def test_a_burst_is_sent_at_once_and_its_connections_are_used_again(sender: Sender) -> None:
    async with Receiver() as receiver:
        for _ in range(3):
            exchanges = await asyncio.gather(*(start_post(sender, receiver.url) for _ in range(16)))
            assert [exchange.status_code for exchange in exchanges] == [200] * 16
        assert receiver.connections == 16


async def test_a_callback_may_send_again_at_once(sender: Sender) -> None:
    async with Receiver() as receiver:
        for _ in range(2):
            first = start_post(sender, receiver.url)
            first.add_done_callback(lambda _: start_post(sender, receiver.url))
            await first
        await receiver.request(4)
        assert receiver.connections <= 2


async def test_what_idles_beyond_the_endpoints_share_is_closed_after_the_linger(make_sender: MakeSender) -> None:
    sender = make_sender(idle_per_endpoint=2)
    async with Receiver() as receiver:
        await asyncio.gather(*(start_post(sender, receiver.url) for _ in range(6)))
        await receiver.open_to(2)
        await until(lambda: sender.idle_connections == sender.open_connections == 2)


async def test_connections_that_idle_too_long_are_closed(make_sender: MakeSender) -> None:
    sender = make_sender(idle_seconds=1.0)
    async with Receiver() as receiver:
        await post(sender, receiver.url)
        await receiver.open_to(0)
        await until(lambda: sender.open_connections == 0)


async def test_beyond_the_total_the_longest_idle_is_closed(make_sender: MakeSender) -> None:
    sender = make_sender(idle_total=2)
    async with Receiver() as first, Receiver() as second, Receiver() as third:
        for receiver in (first, second, third):
            await post(sender, receiver.url)
        await first.open_to(0)
        assert sender.idle_connections == 2
        assert second.open_connections == third.open_connections == 1


@pytest.mark.parametrize(
    "last_words",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", id="connection close"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", id="HTTP/1.0"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200", id="bytes of another answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!", id="one byte too many"),
        pytest.param(answer(200, b"ok") * 2, id="two answers"),
    ],
)
async def test_an_answer_that_ends_the_connection_is_honoured(sender: Sender, last_words: bytes) -> None:
    async with Receiver(last_words) as receiver:
        for _ in range(2):
            exchange = await post(sender, receiver.url)
            assert (exchange.status_code, exchange.body) == (200, b"ok")
            assert sender.idle_connections == 0
        assert receiver.connections == 2


async def test_an_http_1_0_answer_that_asks_for_it_keeps_the_connection(sender: Sender) -> None:
    kept = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"
    async with Receiver(kept) as receiver:
        await post(sender, receiver.url)
        await post(sender, receiver.url)
        assert receiver.connections == 1


async def test_bytes_on_an_idle_connection_close_it(sender: Sender) -> None:
    late = asyncio.Event()

    async def answer_and_go_on(peer: Peer, request: Request) -> None:
        await peer.answer(200)
        await late.wait()
        await peer.send(b"HTTP/1.1 500 Ha\r\n\r\n")

    async with Receiver(answer_and_go_on, 201) as receiver:
        assert (await post(sender, receiver.url)).status_code == 200
        late.set()
        await until(lambda: sender.open_connections == 0)
        assert (await post(sender, receiver.url)).status_code == 201
        assert receiver.connections == 2


async def test_a_peer_that_closes_while_idle_is_noticed(sender: Sender) -> None:
    async with Receiver() as receiver:
        await post(sender, receiver.url)
        await receiver.hang_up()
        await until(lambda: sender.open_connections == sender.idle_connections == 0)
        assert (await post(sender, receiver.url)).status_code == 200


@pytest.mark.parametrize("way", ["close", "reset"])
async def test_a_connection_closed_just_as_it_is_used_again_costs_one_retry(sender: Sender, way: str) -> None:
    async def close_unanswered(peer: Peer, request: Request) -> None:
        getattr(peer, way)()

    async with Receiver(200, close_unanswered, 202) as receiver:
        assert (await post(sender, receiver.url)).status_code == 200
        assert (await post(sender, receiver.url, b"again")).status_code == 202
        assert [request.connection for request in receiver.requests] == [1, 1, 2]
        assert [request.body for request in receiver.requests[1:]] == [b"again", b"again"]


async def test_the_retry_of_a_stale_connection_is_the_last(sender: Sender) -> None:
    async def close_unanswered(peer: Peer, request: Request) -> None:
        peer.close()

    async with Receiver(200, 200, close_unanswered) as receiver:
        # Two kept connections, so that a retry could find another stale one: it must not use it.
        await asyncio.gather(start_post(sender, receiver.url), start_post(sender, receiver.url))
        assert sender.idle_connections == 2
        exchange = await post(sender, receiver.url)
        assert (exchange.status_code, exchange.error) == (0, ErrorClass.RESET)
        assert len(receiver.requests) == 4
        assert receiver.connections == 3
        assert sender.idle_connections == 1


async def test_a_kept_connection_that_breaks_within_an_answer_is_not_retried(sender: Sender) -> None:
    async def break_off(peer: Peer, request: Request) -> None:
        await peer.send(b"HTTP/1.1 20")
        peer.close()

    async with Receiver(200, break_off) as receiver:
        await post(sender, receiver.url)
        assert (await post(sender, receiver.url)).error is ErrorClass.RESET
        assert len(receiver.requests) == 2


@pytest.mark.parametrize("way", ["close", "reset", "half_close"])
@pytest.mark.parametrize("at", range(len(answer(200, b"ok"))))
async def test_only_a_kept_connection_that_ends_before_the_first_byte_of_an_answer_is_retried(
    sender: Sender, at: int, way: str
) -> None:
    async def break_off(peer: Peer, request: Request) -> None:
        await peer.send(answer(200, b"ok")[:at])
        if way == "reset":
            await asyncio.sleep(0.02)  # it drops what the other side has not read yet
        getattr(peer, way)()
        await peer.closed_by_client()

    async with Receiver(200, break_off, 202) as receiver:
        await post(sender, receiver.url)
        exchange = await post(sender, receiver.url)
        assert (exchange.status_code, len(receiver.requests)) == ((0, 2) if at else (202, 3))


async def test_an_interim_answer_is_an_answer_begun_and_bars_the_retry(sender: Sender) -> None:
    async def process_and_break_off(peer: Peer, request: Request) -> None:
        await peer.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        peer.close()

    async with Receiver(200, process_and_break_off) as receiver:
        await post(sender, receiver.url)
        assert (await post(sender, receiver.url)).error is ErrorClass.RESET
        assert len(receiver.requests) == 2


async def test_a_whole_pool_that_goes_stale_at_once_costs_each_post_one_retry(sender: Sender) -> None:
    """What a restarted endpoint does to sixteen kept connections, while sixteen posts are on their way."""
    seen: dict[bytes, int] = {}

    async def close_if_kept(peer: Peer, request: Request) -> None:
        seen[request.body] = seen.get(request.body, 0) + 1
        if peer.number <= 16:
            peer.close()
        else:
            await peer.answer(202)

    together = asyncio.Barrier(16)

    async def all_at_once(peer: Peer, request: Request) -> None:
        await together.wait()
        await peer.answer(200)

    async with Receiver(*[all_at_once] * 16, close_if_kept) as receiver:
        await asyncio.gather(*(start_post(sender, receiver.url) for _ in range(16)))
        assert sender.idle_connections == receiver.connections == 16
        exchanges = await asyncio.gather(*(start_post(sender, receiver.url, b"%d" % n) for n in range(16)))
        assert [exchange.status_code for exchange in exchanges] == [202] * 16
        assert seen == {b"%d" % n: 2 for n in range(16)}
