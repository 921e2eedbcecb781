"""A service's gRPC door: limits, health, reflection, connections that end now and then, a drain that answers what it took.

Health: "" says that the process lives, "readiness" that it is started and not draining. A database that is away shows in
answers and metrics, not here: endpoints that flap help nobody. With an identity every client must show a certificate; health
may then have an address of its own, in the clear, since Kubernetes' probes speak no TLS.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from chassis.calls import observing
from chassis.identity import Identity
from chassis.settings import ServiceSettings, SettingsError

LARGEST_MESSAGE = 8 * 1024 * 1024
READINESS = "readiness"
#: How long calls are still taken after NOT_SERVING: until those who watch it have turned to other pods.
LEAVE_SECONDS = 0.5
#: How long calls on a connection that came of age may last; longer than any call does, and nothing of the process's own grace.
AGE_GRACE_SECONDS = 120
Serving = health_pb2.HealthCheckResponse


class _Health(HealthServicer):
    """Knows whether anybody watches: our own channels do, probes only ask."""

    watchers = 0

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> None:
        self.watchers += 1
        try:
            await super().Watch(request, context)
        finally:
            self.watchers -= 1


class GrpcServer:
    """A process.Door for gRPC, over mutual TLS where there is an `identity`. `add` registers servicers; `services` are their
    full names, for reflection and health."""

    def __init__(
        self,
        settings: ServiceSettings,
        identity: Identity | None,
        add: Callable[[grpc.aio.Server], None],
        services: Sequence[str],
    ) -> None:
        self._address = settings.grpc_address
        self._services = services
        self._identity = identity
        self._health = _Health()
        self._health_address = settings.grpc_health_address
        self._health_server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._health_server)
        age = int(settings.grpc_connection_age_seconds * 1000)
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", LARGEST_MESSAGE),
                ("grpc.max_send_message_length", LARGEST_MESSAGE),
                ("grpc.max_connection_age_ms", age),
                ("grpc.max_connection_age_grace_ms", AGE_GRACE_SECONDS * 1000),
                ("grpc.keepalive_time_ms", 30_000),
                # A channel pings each 20 s, sometimes a moment after its last call ended: no reason to turn it away.
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
                ("grpc.so_reuseport", 0),  # a second process on the port is an error, not a half of the traffic
            ],
        )
        register = observing(self._server)
        add(register)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, register)
        names = [*services, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, register)

    async def open(self) -> None:
        """Listens and says SERVING. SettingsError when an address cannot be had."""
        with _naming("RUNHOOK_GRPC_ADDRESS", self._address):
            if self._identity is None:
                self._server.add_insecure_port(self._address)
            else:
                self._server.add_secure_port(self._address, self._identity.for_server())
        if self._health_address is not None:
            with _naming("RUNHOOK_GRPC_HEALTH_ADDRESS", self._health_address):
                self._health_server.add_insecure_port(self._health_address)
            await self._health_server.start()
        for name in ("", READINESS, *self._services):
            await self._health.set(name, Serving.SERVING)
        await self._server.start()

    async def close(self, grace: float) -> None:
        """Says NOT_SERVING, gives callers a moment to leave, takes no new call, returns when those under way are answered.

        Without that moment gRPC cancels the calls that arrive before their senders know.
        """
        for name in (READINESS, *self._services):
            await self._health.set(name, Serving.NOT_SERVING)
        if self._health.watchers:
            await asyncio.sleep(min(LEAVE_SECONDS, grace))
        await asyncio.shield(self._server.stop(grace))
        await self._health_server.stop(None)


@contextmanager
def _naming(variable: str, address: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise SettingsError([f"{variable}: cannot listen on {address}: is it taken?"]) from error
