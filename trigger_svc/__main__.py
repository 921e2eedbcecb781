"""`python -m trigger_svc`: wiring only."""

from contextlib import AsyncExitStack

import grpc

from chassis.caller import Callers
from chassis.channel import open_channel
from chassis.clock import DatabaseClock
from chassis.database import open_pool, patiently
from chassis.grpc_server import GrpcServer
from chassis.identity import identity_of
from chassis.keyring import KeyRing
from chassis.loop import Loop
from chassis.process import Process, run
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from runhook.trigger.v1 import run_service_pb2, trigger_service_pb2
from runhook.trigger.v1.run_service_pb2_grpc import add_RunServiceServicer_to_server
from runhook.trigger.v1.trigger_service_pb2_grpc import add_TriggerServiceServicer_to_server
from trigger_svc.acquirer import Acquirer
from trigger_svc.aftermath import Aftermath
from trigger_svc.announcer import Announcer
from trigger_svc.beater import Beater
from trigger_svc.closer import Closer
from trigger_svc.configure_trigger import Configurer
from trigger_svc.event import Telling
from trigger_svc.ingest import Ingest
from trigger_svc.journey import Journey
from trigger_svc.overview import BEAT_SECONDS
from trigger_svc.pruner import Pruner
from trigger_svc.receive import Receiver
from trigger_svc.rescuer import Rescuer
from trigger_svc.run_servicer import RunServicer
from trigger_svc.scheduler import Scheduler
from trigger_svc.servicer import Servicer
from trigger_svc.settings import TriggerSettings
from trigger_svc.surveyor import Surveyor
from trigger_svc.token_book import TokenBook

SCHEMA_VERSION = 13
SERVICES = [
    trigger_service_pb2.DESCRIPTOR.services_by_name["TriggerService"].full_name,
    run_service_pb2.DESCRIPTOR.services_by_name["RunService"].full_name,
]


async def work(settings: TriggerSettings, process: Process, stack: AsyncExitStack) -> None:
    """Builds the rooms and serves until the process drains."""
    identity, key_ring = identity_of(settings), KeyRing.from_file(settings.key_ring_file)
    credential = settings.service_credential()
    pool = await stack.enter_async_context(open_pool(settings, "trigger_svc", SCHEMA_VERSION))
    channel = await stack.enter_async_context(open_channel(settings.delivery_svc, identity))
    clock = DatabaseClock()
    pruner = Pruner(pool, clock, settings.trigger_retention_days, settings.trigger_wait_days)
    await patiently(pruner.keep_partitions)  # before the first call comes: its row needs today's; sets the clock too

    acquirer = Acquirer(pool, lease_seconds=settings.trigger_lease_seconds)
    acquiring = Loop("acquire", acquirer.tick, interval=settings.trigger_acquire_seconds)
    announcer = Announcer(pool, DeliveryServiceStub(channel), credential, _telling(settings))
    announcing = Loop("announce", announcer.tick, interval=settings.trigger_announce_seconds)
    aftermath = Aftermath(sweep=lambda: closing.wake(), acquire=acquiring.wake, journey=Journey(pool))
    closing = Loop("close", Closer(pool, clock, aftermath).tick, interval=settings.trigger_sweep_seconds)
    rescuer = Rescuer(pool, acquire=acquiring.wake, announce=announcing.wake)
    rescuing = Loop("rescue", rescuer.tick, interval=settings.trigger_rescue_seconds)
    scheduler = Scheduler(pool, acquire=acquiring.wake)
    scheduling = Loop("schedule", scheduler.tick, interval=settings.trigger_schedule_seconds)
    beater = Beater(pool, settings.pod_name, acquirer.connected)
    beating = Loop("beat", beater.tick, interval=BEAT_SECONDS)
    surveying = Loop("census", Surveyor(pool).tick, interval=5.0)

    callers = Callers(pool, credential)
    receiver = Receiver(Ingest(pool, clock, aftermath), TokenBook(pool, key_ring), clock)
    configurer = Configurer(pool, key_ring, clock, aftermath)
    triggers = Servicer(pool, callers, key_ring, clock, receiver, configurer, process.draining, acquire=acquiring.wake)
    runs = RunServicer(
        pool, callers, key_ring, acquirer, settings, process.draining, acquire=acquiring.wake, announce=announcing.wake
    )
    await process.serve(
        doors=[GrpcServer(settings, identity, lambda server: _add(server, triggers, runs), SERVICES)],
        loops=[closing, acquiring, announcing, rescuing, scheduling, surveying, beating, *pruner.loops()],
        drain=[receiver.idle, beater.leave],
    )


def _telling(settings: TriggerSettings) -> Telling:
    return Telling(
        operator_account_id=settings.operator_account_id,
        rejected=settings.trigger_announce_rejected,
        cancelled=settings.trigger_announce_cancelled,
    )


def _add(server: grpc.aio.Server, triggers: Servicer, runs: RunServicer) -> None:
    add_TriggerServiceServicer_to_server(triggers, server)
    add_RunServiceServicer_to_server(runs, server)


if __name__ == "__main__":
    run("trigger_svc", TriggerSettings, work)
