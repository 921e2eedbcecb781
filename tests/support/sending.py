"""Waiting for what a sender reports: in production it calls back, in a test one wants to await."""

import asyncio
from dataclasses import replace

from delivery_svc.sending.client_certificate import ClientCertificate
from delivery_svc.sending.endpoint import parse_endpoint
from delivery_svc.sending.exchange import Exchange
from delivery_svc.sending.sender import Sender

HEADERS = b"Content-Type: application/json\r\nwebhook-id: wev_1\r\n"


def start_post(
    sender: Sender, url: str, body: bytes = b"{}", headers: bytes = HEADERS, *, client: ClientCertificate | None = None
) -> "asyncio.Future[Exchange]":
    """Send one POST; the future gets its report. A second report reaches the loop's exception handler."""
    reported: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
    sender.send(replace(parse_endpoint(url), client=client), headers, body, reported.set_result)
    assert not reported.done(), "reported before send() returned"
    return reported


async def post(
    sender: Sender, url: str, body: bytes = b"{}", headers: bytes = HEADERS, *, client: ClientCertificate | None = None
) -> Exchange:
    """Send one POST and wait for its report."""
    return await start_post(sender, url, body, headers, client=client)
