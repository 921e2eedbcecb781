"""subscription_svc inside a test, over a database of its own: its servicer, its verbs, its login role, real gRPC."""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import grpc

from chassis.caller import Callers
from chassis.ids import ksuid
from chassis.keyring import KeyRing
from runhook.subscription.v1.account_service_pb2_grpc import add_AccountServiceServicer_to_server
from runhook.subscription.v1.subscription_service_pb2_grpc import add_SubscriptionServiceServicer_to_server
from subscription_svc.account_servicer import AccountServicer
from subscription_svc.admission import Admission
from subscription_svc.bootstrap import make_first_account
from subscription_svc.servicer import Servicer
from subscription_svc.subscribe import Subscriber
from tests.support.grpc_peer import serving
from tests.support.postgres import Database

ACCOUNT = 4711
TOKEN = "the-first-accounts-token-of-the-tests"
KEY_RING = KeyRing({"k1": os.urandom(32)})
CREDENTIAL = "the-service-credential-of-the-tests-0123456789"


@dataclass(frozen=True, kw_only=True)
class SubscriptionService:
    """A running one. `pool` is its own connection to Postgres, `target` where it answers."""

    target: str
    pool: asyncpg.Pool
    key_ring: KeyRing


@asynccontextmanager
async def subscription_service(
    database: Database,
    *,
    most_per_account: int = 500,
    address: str = "127.0.0.1:0",
    key_ring: KeyRing = KEY_RING,
    operator_account_id: int | None = None,
    most_tokens: int = 1_000,
) -> AsyncIterator[SubscriptionService]:
    """Serves SubscriptionService and AccountService, with the first account and its token made."""
    async with asyncpg.create_pool(database.subscription_url, min_size=1, max_size=8) as pool:
        await make_first_account(pool, ACCOUNT, TOKEN)
        subscriber = Subscriber(
            pool=pool, key_ring=key_ring, most_per_account=most_per_account, operator_account_id=operator_account_id
        )
        admission = Admission(pool, Callers(pool, CREDENTIAL), operator_account_id)
        subscriptions = Servicer(pool, key_ring, admission, subscriber)
        accounts = AccountServicer(pool, admission, most_tokens)

        def add(server: grpc.aio.Server) -> None:
            add_SubscriptionServiceServicer_to_server(subscriptions, server)
            add_AccountServiceServicer_to_server(accounts, server)

        async with serving(add, address) as target:
            yield SubscriptionService(target=target, pool=pool, key_ring=key_ring)


async def add_account(database: Database, account_id: int, *, plan: str = "enterprise") -> None:
    """Another account."""
    await _execute(
        database,
        "insert into subscription.account (account_id, public_id, name, plan) values ($1, $2, 'Another', $3)",
        account_id,
        "act_" + ksuid(1_700_000_000),
        plan,
    )


async def add_token(database: Database, account_id: int, permission_set: str) -> str:
    """A service token of the account; named after what it may do."""
    token = f"token-of-{account_id}-{permission_set}"
    await _execute(
        database,
        "insert into subscription.service_token (account_id, token_hash, name, permission_set) values ($1, $2, $3, $3)",
        account_id,
        hashlib.sha256(token.encode()).digest(),
        permission_set,
    )
    return token


async def _execute(database: Database, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()
