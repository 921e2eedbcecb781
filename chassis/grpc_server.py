"""A service's gRPC door: limits, health, reflection, connections that end now and then, a drain that answers what it took.

Health: "" says that the process lives, "readiness" that it is started and not draining. A database that is away shows in
answers and metrics, not here: endpoints that flap help nobody.
"""

import asyncio
from collections.abc import Callable, Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from chassis.calls import observing
from chassis.settings import ServiceSettings, SettingsError

LARGEST_MESSAGE = 8 * 1024 * 1024
READINESS = "readiness"
Serving = health_pb2.HealthCheckResponse


class GrpcServer:
    """A process.Door for gRPC. `add` registers servicers; `services` are their full names, for reflection and health."""

    def __init__(
        self, settings: ServiceSettings, add: Callable[[grpc.aio.Server], None], services: Sequence[str]
    ) -> None:
        self._address = settings.grpc_address
        self._services = services
        self._health = HealthServicer()
        age = int(settings.grpc_connection_age_seconds * 1000)
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", LARGEST_MESSAGE),
                ("grpc.max_send_message_length", LARGEST_MESSAGE),
                ("grpc.max_connection_age_ms", age),
                ("grpc.max_connection_age_grace_ms", int(settings.grace_seconds * 1000)),
                ("grpc.keepalive_time_ms", 30_000),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
                ("grpc.so_reuseport", 0),  # a second process on the port is an error, not a half of the traffic
            ],
        )
        register = observing(self._server)
        add(register)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, register)
        names = [*services, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, register)

    async def open(self) -> None:
        """Listens and says SERVING. SettingsError when the address cannot be had."""
        try:
            self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise SettingsError([f"RUNHOOK_GRPC_ADDRESS: cannot listen on {self._address}: is it taken?"]) from error
        await self._server.start()
        for name in ("", READINESS, *self._services):
            await self._health.set(name, Serving.SERVING)

    async def close(self, grace: float) -> None:
        """Says NOT_SERVING, takes no new call, returns when those under way are answered."""
        for name in (READINESS, *self._services):
            await self._health.set(name, Serving.NOT_SERVING)
        await asyncio.shield(self._server.stop(grace))
