"""Every shape of answer that HTTP/1.x allows, and what becomes of those that it does not."""

import asyncio
from collections.abc import Callable

import pytest

from delivery_svc.sending.exchange import ErrorClass
from delivery_svc.sending.sender import Sender
from tests.support.receiver import Answer, Peer, Receiver, Request, answer
from tests.support.sending import post

MakeSender = Callable[..., Sender]

WHOLE_ANSWERS = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b""),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        200,
        b"hello",
    ),
    "chunked, trailer": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nRetry-After: 9\r\n\r\n",
        200,
        b"hello",
    ),
    "continue first": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "early hints first": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
        201,
        b"ok",
    ),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302, b""),
    "odd status": (b"HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n", 799, b""),
}


@pytest.mark.parametrize(("whole", "status_code", "body"), WHOLE_ANSWERS.values(), ids=WHOLE_ANSWERS.keys())
async def test_an_answer_counts_in_one_piece_and_split_at_every_byte(
    sender: Sender, whole: bytes, status_code: int, body: bytes
) -> None:
    async def byte_by_byte(peer: Peer, request: Request) -> None:
        await peer.send_in_pieces(whole)

    async with Receiver(whole, byte_by_byte) as receiver:
        for _ in range(2):
            exchange = await post(sender, receiver.url)
            assert (exchange.status_code, exchange.error, exchange.detail) == (status_code, ErrorClass.NONE, "")
            assert exchange.body == body
        assert receiver.connections == 1


@pytest.mark.parametrize("at", range(1, len(WHOLE_ANSWERS["chunked"][0])))
async def test_an_answer_split_in_two_anywhere_is_the_same_answer(sender: Sender, at: int) -> None:
    whole = WHOLE_ANSWERS["chunked"][0]

    async def in_two(peer: Peer, request: Request) -> None:
        await peer.send(whole[:at])
        await asyncio.sleep(0)
        await peer.send(whole[at:])

    async with Receiver(in_two) as receiver:
        exchange = await post(sender, receiver.url)
    assert (exchange.status_code, exchange.body) == (200, b"hello")


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: identity\r\n\r\n"]
)
async def test_a_body_of_no_stated_length_ends_with_the_connection(sender: Sender, head: bytes) -> None:
    async def until_the_end(peer: Peer, request: Request) -> None:
        await peer.send_in_pieces(head + b"hello", 7)
        peer.close()

    async with Receiver(until_the_end) as receiver:
        exchange = await post(sender, receiver.url)
        assert (exchange.status_code, exchange.body) == (200, b"hello")
        assert sender.idle_connections == 0


async def test_a_receiver_that_half_closes_after_its_answer_is_no_failure(sender: Sender) -> None:
    async def answer_and_half_close(peer: Peer, request: Request) -> None:
        await peer.answer(200, b"ok")
        peer.half_close()
        await peer.closed_by_client()

    async with Receiver(answer_and_half_close, 201) as receiver:
        assert (await post(sender, receiver.url)).status_code == 200
        await receiver.open_to(0)
        assert (await post(sender, receiver.url)).status_code == 201


async def test_a_receiver_that_only_half_closes_gives_no_answer(sender: Sender) -> None:
    async def half_close(peer: Peer, request: Request) -> None:
        peer.half_close()
        await peer.closed_by_client()

    async with Receiver(half_close) as receiver:
        assert (await post(sender, receiver.url)).error is ErrorClass.RESET


async def test_the_first_four_kibibytes_of_a_body_are_kept(sender: Sender) -> None:
    body = bytes(range(256)) * 40
    async with Receiver(answer(500, body)) as receiver:
        assert (await post(sender, receiver.url)).body == body[:4096]
        assert sender.idle_connections == 1


@pytest.mark.parametrize("end", [b"", b"x" * 1_000_000])
async def test_of_an_answer_beyond_the_limit_the_status_counts(sender: Sender, end: bytes) -> None:
    async def seventy_thousand(peer: Peer, request: Request) -> None:
        await peer.send(answer(200, b"x" * 70_000 + end)[: 70_000 + len(end)])
        await peer.closed_by_client()

    async with Receiver(seventy_thousand) as receiver:
        exchange = await post(sender, receiver.url)
        assert (exchange.status_code, exchange.body) == (200, b"x" * 4096)
        await receiver.open_to(0)


async def test_a_head_that_does_not_end_is_no_answer(sender: Sender) -> None:
    async def endless(peer: Peer, request: Request) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 5_000)
        await peer.closed_by_client()

    async with Receiver(endless) as receiver:
        exchange = await post(sender, receiver.url)
        assert (exchange.status_code, exchange.error) == (0, ErrorClass.PROTOCOL)
        await receiver.open_to(0)


async def test_interim_answers_without_end_are_no_answer(sender: Sender) -> None:
    async with Receiver(b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000) as receiver:
        assert (await post(sender, receiver.url)).error is ErrorClass.PROTOCOL


@pytest.mark.parametrize(
    "garbage",
    [
        b"220 mail.example.com ESMTP\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"<html>hello</html>",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 High\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nBad\x00Name: 1\r\n\r\n",
    ],
)
async def test_garbage_is_a_protocol_error(sender: Sender, garbage: bytes) -> None:
    async with Receiver(garbage) as receiver:
        exchange = await post(sender, receiver.url)
        assert (exchange.status_code, exchange.error) == (0, ErrorClass.PROTOCOL)
        assert exchange.detail
        await receiver.open_to(0)


@pytest.mark.parametrize("way", ["close", "reset"])
@pytest.mark.parametrize("at", range(len(WHOLE_ANSWERS["length"][0])))
async def test_a_connection_that_ends_within_an_answer_is_a_reset(sender: Sender, at: int, way: str) -> None:
    async def break_off(peer: Peer, request: Request) -> None:
        await peer.send(WHOLE_ANSWERS["length"][0][:at])
        getattr(peer, way)()

    async with Receiver(break_off) as receiver:
        exchange = await post(sender, receiver.url)
        assert (exchange.status_code, exchange.error) == (0, ErrorClass.RESET)
        assert len(receiver.requests) == 1


@pytest.mark.parametrize("way", ["close", "reset"])
async def test_a_connection_that_ends_before_the_request_is_read_is_a_reset(sender: Sender, way: str) -> None:
    async def shut_the_door(peer: Peer) -> None:
        getattr(peer, way)()

    async with Receiver(greeting=shut_the_door) as receiver:
        assert (await post(sender, receiver.url)).error is ErrorClass.RESET
        assert receiver.connections == 1


async def test_an_answer_before_the_request_is_read_counts(make_sender: MakeSender) -> None:
    sender = make_sender()

    async def refuse_unread(peer: Peer) -> None:
        await peer.answer(413, b"too much")
        await peer.closed_by_client()

    async with Receiver(greeting=refuse_unread) as receiver:
        exchange = await post(sender, receiver.url, b"x" * 300_000)
        assert (exchange.status_code, exchange.body) == (413, b"too much")


async def test_after_an_early_answer_a_connection_with_unwritten_bytes_is_given_up(sender: Sender) -> None:
    async def answer_unread(peer: Peer) -> None:
        await peer.answer(200)
        await asyncio.Event().wait()

    async with Receiver(greeting=answer_unread) as receiver:
        # Far beyond what the socket buffers of both sides take in.
        exchange = await post(sender, receiver.url, b"x" * 50_000_000)
        assert exchange.status_code == 200
        assert sender.idle_connections == 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (("Retry-After: 120",), 120.0),
        (("Date: Sun, 22 Nov 2026 08:49:37 GMT", "retry-after:Sun, 22 Nov 2026 08:50:07 GMT"), 30.0),
        (("Retry-After: soon",), None),
        ((), None),
    ],
)
async def test_retry_after_is_reported_in_seconds(
    sender: Sender, headers: tuple[str, ...], seconds: float | None
) -> None:
    scripted: list[Answer] = [
        answer(503, headers=headers),
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(429, b"", headers),
    ]
    async with Receiver(*scripted) as receiver:
        assert (await post(sender, receiver.url)).retry_after == seconds
        assert (await post(sender, receiver.url)).retry_after == seconds
