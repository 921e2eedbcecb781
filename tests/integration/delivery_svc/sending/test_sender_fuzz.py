"""Whatever bytes an endpoint answers with, in whatever pieces: one report, and nothing unhandled."""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery_svc.sending.address import AddressPolicy
from delivery_svc.sending.endpoint import parse_endpoint
from delivery_svc.sending.exchange import ErrorClass, Exchange
from delivery_svc.sending.resolver import Resolver
from delivery_svc.sending.sender import Sender
from tests.support.receiver import Peer, Receiver, Request

FRAGMENTS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 404 No\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 S\r\n",
        b"\r\n",
        b"\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"Upgrade: x\r\nConnection: upgrade\r\n",
        b"Retry-After: 9\r\n",
        b"Date: x\r\n",
        b" folded\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"hello",
        b"\x00",
        b"HTTP/",
    ]
)
ANSWERS = st.lists(st.one_of(FRAGMENTS, st.binary(max_size=40)), max_size=8)
ENDINGS = st.sampled_from(["close", "reset", "half_close", "abort"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(answers=st.lists(st.tuples(ANSWERS, ENDINGS), min_size=1, max_size=4))
async def test_random_answers_end_in_one_report_each(system_roots: Any, answers: list[tuple[list[bytes], str]]) -> None:
    def play(pieces: list[bytes], ending: str) -> Callable[[Peer, Request], Any]:
        async def script(peer: Peer, request: Request) -> None:
            for piece in pieces:
                await peer.send(piece)
                await asyncio.sleep(0)
            getattr(peer, ending)()

        return script

    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    reports: list[Exchange] = []
    sender = Sender(policy=AddressPolicy(["127.0.0.0/8"]), resolver=Resolver(), tls=system_roots, timeout=5.0)
    async with Receiver(*(play(*answer) for answer in answers)) as receiver:
        endpoint = parse_endpoint(receiver.url)
        for number in range(1, len(answers) + 2):
            reported = asyncio.Event()

            def take(exchange: Exchange, reported: asyncio.Event = reported) -> None:
                reports.append(exchange)
                reported.set()

            sender.send(endpoint, b"", b"{}", take)
            await reported.wait()
            assert len(reports) == number
    await sender.close()
    assert len(reports) == len(answers) + 1
    assert not faults
    assert sender.in_flight == sender.open_connections == 0
    for report in reports:
        assert (report.error is ErrorClass.NONE) == (200 <= report.status_code <= 999)
        assert report.error in {ErrorClass.NONE, ErrorClass.PROTOCOL, ErrorClass.RESET}
        assert report.phase in ({""} if report.error is ErrorClass.NONE else {"answer", "body"})
        assert len(report.head) <= 4096
        assert len(report.body) <= 4096
