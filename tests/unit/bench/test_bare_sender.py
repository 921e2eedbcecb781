"""The yardstick is the one that was frozen, and sends what the contract has."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from bench import bare_sender, programs, report

# Never put a new digest here: a new yardstick is a new file, and all committed figures are taken again.
FROZEN = "8a9a63cb2731c395503e4172f2dfa89f66c6bffbb7b9648b6da7b4b9d6ae4f7d"


def test_the_bare_sender_is_the_one_that_was_frozen() -> None:
    assert hashlib.sha256(Path(bare_sender.__file__).read_bytes()).hexdigest() == FROZEN
    assert report.yardstick_digest() == FROZEN


def test_its_body_is_a_delivery_of_700_bytes() -> None:
    body = bare_sender.body()
    assert len(body) == 700
    assert list(json.loads(body)) == [
        "accountId",
        "webhooksID",
        "eventId",
        "timestamp",
        "eventType",
        "webhookId",
        "webhookName",
        "data",
    ]


async def test_what_it_sends_is_signed_over_the_raw_bytes() -> None:
    written: list[bytes] = []

    class Wire:
        def write(self, data: bytes) -> None:
            written.append(data)

    sending = bare_sender.Sending(bare_sender.Run(1), "127.0.0.1:1", "/e/0", bare_sender.body())
    sending.connection_made(Wire())  # type: ignore[arg-type]
    head, _, body = written[0].partition(b"\r\n\r\n")
    signature = hmac.digest(bare_sender.SECRET, body, "sha256").hex()
    assert f"\r\nAuthorization: {signature}".encode() in head
    assert body == bare_sender.body()


async def test_every_request_it_counts_has_arrived_over_connections_that_stay_open() -> None:
    async with programs.receiver(3) as receiver:
        figures = await programs.send_bare(receiver.urls, 0.3, 6)
        seen = await receiver.control.seen()
    assert figures["requests"] > 100
    assert figures["rate"] == pytest.approx(figures["requests"] / figures["seconds"])
    assert 0 < figures["cpu_us_per_request"] < 10_000
    # Beyond what it counts: the warm-up, and what was on its way at the end.
    assert seen.received >= figures["requests"]
    # One more than its own: the control connection.
    assert seen.connections == 7
    assert seen.body_bytes == 700 * seen.received
    assert seen.events_per_endpoint == (1, 1, 1)


async def test_an_endpoint_that_refuses_ends_it_with_its_reason() -> None:
    async with programs.receiver(1) as receiver:
        with pytest.raises(programs.ProgramError, match="an endpoint answered 404"):
            await programs.send_bare([f"{receiver.control_url}/nothing"], 5.0, 2)
