"""The gateway inside a test, on a real socket of the system's choice, and a plain HTTP client of it."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from prometheus_client import REGISTRY
from starlette.types import ASGIApp
from yarl import URL

from chassis.channel import service_metadata
from gateway.app import build
from gateway.call_streams import CallStreams
from gateway.server import HttpServer
from gateway.services import Services
from gateway.settings import GatewaySettings

NOWHERE = "127.0.0.1:1"  # nothing listens there: connections are refused at once


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a client saw."""

    status: int
    headers: aiohttp.typedefs.LooseHeaders
    body: bytes
    json: Any


class Gateway:
    """A running one and a client of it."""

    def __init__(self, door: HttpServer, session: aiohttp.ClientSession, token: str) -> None:
        self._door = door
        port = self.port = door.port
        self.url = f"http://127.0.0.1:{port}"
        self._session = session
        self._token = token

    async def __call__(self, method: str, path: str, **options: Any) -> Any:
        """One request with the token unless `token` says otherwise; None sends none. The path goes out as it is."""
        token = options.pop("token", self._token)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        headers |= options.pop("headers", {})
        if isinstance(options.get("data"), bytes):
            options["data"] = io.BytesIO(options["data"])
        url = URL(self.url + path, encoded=True)
        async with self._session.request(method, url, headers=headers, allow_redirects=False, **options) as response:
            body = await response.read()
            kind = response.headers.get("Content-Type", "")
            content = await response.json(content_type=None) if "json" in kind and body else None
            return Answer(status=response.status, headers=response.headers, body=body, json=content)

    async def stop(self) -> None:
        """Stops it as SIGTERM does."""
        await self._door.close(5)

    async def raw(self, request: bytes) -> bytes:
        """Sends bytes on a connection of their own and reads until the gateway ends it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        try:
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()


@asynccontextmanager
async def gateway(*, token: str = "", credential: str | None = None, **settings: Any) -> AsyncIterator[Gateway]:
    """Serves with these settings over the services that they name; those not named are nowhere."""
    targets = dict.fromkeys(("subscription_svc", "delivery_svc", "trigger_svc"), NOWHERE)
    loaded = GatewaySettings.model_validate({"gateway_address": "127.0.0.1:0"} | targets | settings)
    services = Services(loaded)
    streams = CallStreams(
        services.triggers,
        service_metadata(credential),
        count=loaded.gateway_call_streams,
        seconds=loaded.gateway_call_seconds,
    )
    door = HttpServer(loaded, build(loaded, services, streams))
    await door.open()
    try:
        async with aiohttp.ClientSession() as session:
            yield Gateway(door, session, token)
    finally:
        await door.close(5)
        await streams.close()
        await services.close()


@asynccontextmanager
async def serving(app: ASGIApp, **settings: Any) -> AsyncIterator[HttpServer]:
    """The gateway's HTTP server around another app."""
    door = HttpServer(GatewaySettings.model_validate({"gateway_address": "127.0.0.1:0"} | settings), app)
    await door.open()
    try:
        yield door
    finally:
        await door.close(5)


def refused(reason: str) -> float:
    """How often the edge has refused for this reason, in this process."""
    return REGISTRY.get_sample_value("runhook_gateway_refused_total", {"reason": reason}) or 0.0


def gauge(name: str) -> float:
    """A gauge of the gateways of this process, such as "connections"."""
    return REGISTRY.get_sample_value(f"runhook_gateway_{name}") or 0.0


async def until(condition: Callable[[], bool]) -> None:
    """Returns when it holds: for what happens at the other end of a socket, where there is no event to await."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def sample(name: str, labels: dict[str, str]) -> float:
    """What this process's registry shows of a sample; 0.0 for what is not there."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
