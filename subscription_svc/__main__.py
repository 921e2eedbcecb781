"""Starts subscription_svc: settings, pool, first account, door."""

from contextlib import AsyncExitStack

import grpc

from chassis.caller import Callers
from chassis.database import open_pool, patiently
from chassis.grpc_server import GrpcServer
from chassis.identity import identity_of
from chassis.keyring import KeyRing
from chassis.loop import Loop
from chassis.process import Process, run
from runhook.subscription.v1 import account_service_pb2, subscription_service_pb2
from runhook.subscription.v1.account_service_pb2_grpc import add_AccountServiceServicer_to_server
from runhook.subscription.v1.subscription_service_pb2_grpc import add_SubscriptionServiceServicer_to_server
from subscription_svc.account_servicer import AccountServicer
from subscription_svc.admission import Admission
from subscription_svc.bootstrap import make_first_account
from subscription_svc.pruner import Pruner
from subscription_svc.servicer import Servicer
from subscription_svc.settings import SubscriptionSettings
from subscription_svc.subscribe import Subscriber

NAME = "subscription_svc"
SCHEMA_VERSION = 7  # delivery settings; what may be told of a client certificate
SERVICES = [
    subscription_service_pb2.DESCRIPTOR.services_by_name["SubscriptionService"].full_name,
    account_service_pb2.DESCRIPTOR.services_by_name["AccountService"].full_name,
]


async def work(settings: SubscriptionSettings, process: Process, stack: AsyncExitStack) -> None:
    """Builds the rooms and serves until the process is told to stop."""
    identity = identity_of(settings)
    key_ring = KeyRing.from_file(settings.key_ring_file)
    credential = settings.service_credential()
    token = settings.first_token()
    pool = await stack.enter_async_context(open_pool(settings, NAME, SCHEMA_VERSION))
    first = settings.subscription_first_account_id
    if first is not None and token is not None:
        await patiently(lambda: make_first_account(pool, first, token))
    subscriber = Subscriber(
        pool=pool,
        key_ring=key_ring,
        most_per_account=settings.subscription_most_per_account,
        operator_account_id=settings.operator_account_id,
    )
    admission = Admission(pool, Callers(pool, credential), settings.operator_account_id)
    subscriptions = Servicer(pool, key_ring, admission, subscriber)
    accounts = AccountServicer(pool, admission, settings.subscription_most_tokens_per_account)

    def add(server: grpc.aio.Server) -> None:
        add_SubscriptionServiceServicer_to_server(subscriptions, server)
        add_AccountServiceServicer_to_server(accounts, server)

    pruning = Loop("prune", Pruner(pool).tick, interval=3600)
    await process.serve(doors=[GrpcServer(settings, identity, add, SERVICES)], loops=[pruning])


if __name__ == "__main__":
    run(NAME, SubscriptionSettings, work)
