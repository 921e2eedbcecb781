"""What a bench stands on: a platform, a receiver, a subscription for each of its endpoints, a connection to Postgres.

Invariant: whatever was started for a bench is gone when its stage is.
"""

import contextlib
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import asyncpg

from bench import programs
from bench.payload import Load
from bench.product import Product, read_product, throwaway
from bench.subscriptions import subscribed


@dataclass(frozen=True, kw_only=True)
class Stage:
    """`ids` are the public ids of the subscriptions, in the order of the receiver's endpoints; `folder` is for files that
    go with the stage."""

    product: Product
    receiver: programs.Receiver
    load: Load
    ids: list[str]
    database: "asyncpg.Connection[asyncpg.Record]"
    folder: Path


@contextlib.asynccontextmanager
async def stage(
    endpoints: int, data_dir: Path | None = None, *, delay: float = 0.0, told: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Stage]:
    """A throwaway platform that is `told` settings, or the one that runs on `data_dir`. The receiver answers after `delay`
    seconds. ProductError or ProgramError when something does not start."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runhook-bench-")))
        product = read_product(data_dir) if data_dir else await stack.enter_async_context(throwaway(**told))
        receiver = await stack.enter_async_context(programs.receiver(endpoints, delay=delay))
        load = new_load(product, endpoints)
        ids = await stack.enter_async_context(subscribed(product, receiver.urls, load.first_job_id))
        database = await asyncpg.connect(product.database_url)
        stack.push_async_callback(database.close)
        yield Stage(product=product, receiver=receiver, load=load, ids=ids, database=database, folder=folder)


def new_load(product: Product, endpoints: int) -> Load:
    """A load whose jobs and request ids are nobody else's."""
    return Load(
        account_id=product.account_id,
        first_job_id=1_000_000_000 + secrets.randbelow(1_000_000_000),
        endpoints=endpoints,
        prefix=f"bench-{secrets.token_hex(6)}",
    )
