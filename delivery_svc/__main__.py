"""Wiring of delivery_svc: settings, pool, epoch, sender, dispatcher, loops, gRPC door."""

from contextlib import AsyncExitStack

from chassis.caller import Callers
from chassis.channel import open_channel
from chassis.clock import DatabaseClock
from chassis.database import open_pool, patiently
from chassis.grpc_server import GrpcServer
from chassis.identity import identity_of
from chassis.keyring import KeyRing
from chassis.loop import Loop
from chassis.process import Process, run
from delivery_svc import attempt_log
from delivery_svc.deactivator import Deactivator
from delivery_svc.engine import Engine
from delivery_svc.pruner import Pruner
from delivery_svc.servicer import SERVICE_NAME, DeliveryServicer
from delivery_svc.settings import DeliverySettings
from runhook.delivery.v1.delivery_service_pb2_grpc import add_DeliveryServiceServicer_to_server
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub

SCHEMA_VERSION = 14  # recoveries of one job
DEACTIVATE_SECONDS = 5.0


async def work(settings: DeliverySettings, process: Process, stack: AsyncExitStack) -> None:
    """Builds the rooms and serves until the process is told to stop."""
    attempt_log.configure(settings.log_level)
    identity = identity_of(settings)
    key_ring = KeyRing.from_file(settings.key_ring_file)
    pool = await stack.enter_async_context(open_pool(settings, "delivery_svc", SCHEMA_VERSION))
    engine = Engine(settings, pool, DatabaseClock(), key_ring)
    pruner = Pruner(pool)
    await patiently(pruner.tick)
    await patiently(engine.start)
    credential = settings.service_credential()
    subscriptions = open_channel(settings.subscription_svc, identity)
    stack.push_async_callback(subscriptions.close)
    deactivator = Deactivator(
        pool=pool,
        policy=settings.deactivation_policy,
        subscriptions=SubscriptionServiceStub(subscriptions),
        credential=credential,
        publisher=engine.publisher,
        operator_account_id=settings.operator_account_id,
        breaker=settings.breaker_policy,
        retry=settings.retry_policy,
        timeout=settings.delivery_timeout_seconds,
    )
    servicer = DeliveryServicer(pool, Callers(pool, credential), engine)
    door = GrpcServer(
        settings, identity, lambda server: add_DeliveryServiceServicer_to_server(servicer, server), [SERVICE_NAME]
    )
    loops = [
        *engine.loops,
        Loop("deactivate", deactivator.tick, interval=DEACTIVATE_SECONDS),
        Loop("prune", pruner.tick, interval=3600),
    ]
    await process.serve(doors=[door], loops=loops, drain=[engine.drain])
    await engine.stop()


if __name__ == "__main__":
    run("delivery_svc", DeliverySettings, work)
