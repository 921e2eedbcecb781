"""A gateway before a peer that takes calls, and how a test calls it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tests.support.gateway import Gateway, gateway
from tests.support.trigger_peer import CREDENTIAL, TriggerPeer, trigger_peer

TOKEN = "AZaz09_-" + "x" * 35
DOOR = f"/t/{TOKEN}"
JSON = {"Content-Type": "application/json"}


class Both(NamedTuple):
    """What a test calls, and what saw it."""

    call: Gateway
    peer: TriggerPeer


@asynccontextmanager
async def gateway_and_peer() -> AsyncIterator[Both]:
    """Both, with a second's patience."""
    async with (
        trigger_peer() as (peer, target),
        gateway(trigger_svc=target, credential=CREDENTIAL, gateway_call_seconds=1) as running,
    ):
        yield Both(running, peer)


async def post(call: Gateway, body: bytes = b"{}", path: str = DOOR, **headers: str) -> Any:
    """A POST of a JSON body; headers with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await call("POST", path, data=body, headers={"Content-Type": "application/json"} | named, token=None)
