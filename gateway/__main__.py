"""Starts the gateway: settings, channels, streams, door."""

from contextlib import AsyncExitStack

from chassis.channel import service_metadata
from chassis.process import Process, run
from gateway.app import build
from gateway.call_streams import CallStreams
from gateway.server import HttpServer
from gateway.services import Services
from gateway.settings import GatewaySettings


async def work(settings: GatewaySettings, process: Process, stack: AsyncExitStack) -> None:
    """Builds the rooms and serves until the process is told to stop."""
    credential = service_metadata(settings.service_credential())
    services = Services(settings)
    stack.push_async_callback(services.close)
    streams = CallStreams(
        services.triggers,
        credential,
        count=settings.gateway_call_streams,
        seconds=settings.gateway_call_seconds,
    )
    door = HttpServer(settings, build(settings, services, streams))
    await process.serve(doors=[door], drain=[streams.close])


if __name__ == "__main__":
    run("gateway", GatewaySettings, work)
