"""close(): everything in flight is reported, nothing stays open, and nothing is sent any more."""

import asyncio
from collections.abc import Callable

from delivery_svc.sending.address import Address
from delivery_svc.sending.endpoint import parse_endpoint
from delivery_svc.sending.exchange import ErrorClass, Exchange
from delivery_svc.sending.resolver import Resolver
from delivery_svc.sending.sender import Sender
from tests.support.receiver import Peer, Receiver, Request
from tests.support.sending import post, start_post

MakeSender = Callable[..., Sender]


async def silence(peer: Peer, request: Request) -> None:
    await peer.closed_by_client()


async def test_what_is_in_flight_is_reported_and_every_connection_closed(make_sender: MakeSender) -> None:
    sender = make_sender()
    async with Receiver(200, silence) as receiver:
        await post(sender, receiver.url)
        waiting = [start_post(sender, receiver.url) for _ in range(5)]
        await receiver.request(6)
        assert sender.in_flight == 5
        await sender.close()
        assert [exchange.result().error for exchange in waiting] == [ErrorClass.SHUTDOWN] * 5
        await receiver.open_to(0)


async def test_a_connect_under_way_is_cancelled(make_sender: MakeSender) -> None:
    cancelled = asyncio.Event()

    class HangingResolver(Resolver):
        async def resolve(self, host: str) -> tuple[Address, ...]:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
            raise AssertionError

    sender = make_sender(resolver=HangingResolver())
    waiting = start_post(sender, "http://hangs.example/")
    await asyncio.sleep(0)
    await sender.close()
    assert waiting.result().error is ErrorClass.SHUTDOWN
    assert cancelled.is_set()


async def test_a_post_after_the_close_is_reported_and_not_sent(make_sender: MakeSender) -> None:
    sender = make_sender()
    async with Receiver() as receiver:
        await sender.close()
        assert (await post(sender, receiver.url)).error is ErrorClass.SHUTDOWN
        assert receiver.connections == 0


async def test_a_report_that_sends_again_does_not_hinder_the_close(make_sender: MakeSender) -> None:
    sender = make_sender()
    reports: list[Exchange] = []
    async with Receiver(silence) as receiver:
        endpoint = parse_endpoint(receiver.url)

        def again(exchange: Exchange) -> None:
            reports.append(exchange)
            if len(reports) < 3:
                sender.send(endpoint, b"", b"", again)

        sender.send(endpoint, b"", b"", again)
        await receiver.request(1)
        await sender.close()
        async with asyncio.timeout(5):
            while sender.in_flight:  # noqa: ASYNC110 (the sender has no event for this)
                await asyncio.sleep(0)
    assert [report.error for report in reports] == [ErrorClass.SHUTDOWN] * 3


async def test_closing_twice_is_closing_once(make_sender: MakeSender) -> None:
    sender = make_sender()
    await sender.close()
    await sender.close()


async def test_a_report_that_is_not_taken_disturbs_no_other(make_sender: MakeSender) -> None:
    sender = make_sender()
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["exception"]))

    def fail(exchange: Exchange) -> None:
        raise RuntimeError("not taken")

    async with Receiver() as receiver:
        sender.send(parse_endpoint(receiver.url), b"", b"", fail)
        await receiver.request(1)
        assert (await post(sender, receiver.url)).status_code == 200
    assert [str(complaint) for complaint in complaints] == ["not taken"]
    assert sender.in_flight == 0
