"""What the triggers' bench stands on: a platform whose gateway refuses no load, triggers put into its tables, and their calls.

Triggers are inserted and not made one by one: ten thousand would take minutes. Nothing of theirs is left out, but that their
tokens are not kept sealed, so nobody could be shown their URLs again.

Invariant: whatever was started for a bench is gone when its ground is.
"""

import contextlib
import hashlib
import secrets
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from bench import programs
from bench.product import Product, throwaway

#: All calls come from one address, and the OPTIONS of the yardstick are as many.
UNTHROTTLED = {"RUNHOOK_GATEWAY_CONNECTIONS_PER_ADDRESS": "4096", "RUNHOOK_GATEWAY_FAILURE_RATE": "0"}
#: A command that no runner has: its runs wait, so that the load is that of calls alone.
NOBODYS = "bench-nobody"
BODY_BYTES = 200
WARM_SECONDS = 1.0
INSERT = """
with made as (
    insert into trigger.task (account_id, name, kind, command, slots, parameters, timeout_seconds, allow_parallel_runs,
                              max_attempts, environment_id, environment_name, project_id, project_name, dbt_version)
    select $1, 'bench ' || n, 'standard', $2, '{}', '[{"name": "resource_webhook_payload", "default_value": ""}]', 3600, $3,
           1, 1, 'Production', 1, 'Default', ''
      from generate_series(1, $4::integer) n
    returning task_id
), target as (
    insert into trigger.target (target, sort) select 'task:' || task_id, 'webhook' from made returning target
), hooked as (
    insert into trigger.trigger (public_id, account_id, task_id, name, data_mode)
    select 'trg_' || lpad(task_id::text, 27, '0'), $1, task_id, 'bench', 'string' from made, (select count(*) from target) t
    returning trigger_id
), headed as (
    insert into trigger.head (trigger_id, account_id, threshold, duration_seconds, max_bytes)
    select trigger_id, $1, $5, $6, 8388608 from hooked
)
insert into trigger.token (token_hash, trigger_id, sealed)
select k.token_hash, h.trigger_id, ''
  from (select trigger_id, row_number() over (order by trigger_id) as place from hooked) h
  join unnest($7::bytea[]) with ordinality as k (token_hash, place) on k.place = h.place
returning trigger_id
"""


@dataclass(frozen=True, kw_only=True)
class Webhooks:
    """Triggers alike: their URLs and ids."""

    urls: list[str]
    ids: list[int]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much is run: pairs of rounds (and kills), seconds of each measured stretch, connections, triggers, calls a second
    where the rate is fixed, triggers whose windows stay open."""

    pairs: int
    seconds: float
    connections: int
    triggers: int
    rate: float
    open: int


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A throwaway platform, a connection to its Postgres, a folder for files that go with it."""

    product: Product
    database: "asyncpg.Connection[asyncpg.Record]"
    folder: Path

    async def webhooks(
        self,
        count: int,
        *,
        threshold: int,
        seconds: int,
        command: str = NOBODYS,
        parallel: bool = False,
        gateway: str = "",
    ) -> Webhooks:
        """Makes so many triggers, each of a task of its own, with URLs at `gateway` if not at the platform's own."""
        tokens = [secrets.token_urlsafe(32) for _ in range(count)]
        hashes = [hashlib.sha256(token.encode()).digest() for token in tokens]
        # The join of the statement gives the n-th token to the n-th trigger.
        rows = await self.database.fetch(
            INSERT, self.product.account_id, command, parallel, count, threshold, seconds, hashes
        )
        base = gateway or self.product.gateway_url
        return Webhooks(urls=[f"{base}/t/{token}" for token in tokens], ids=[row["trigger_id"] for row in rows])

    async def call(
        self, urls: list[str], *, seconds: float, connections: int, rate: float = 0.0, expect: tuple[int, ...] = (204,)
    ) -> dict[str, Any]:
        """Calls these URLs, saturating or at `rate`: what bench.reader printed, CPU time of all processes of the platform."""
        return await programs.read(
            urls,
            "",
            self.product.processes(),
            seconds=seconds,
            warm_seconds=WARM_SECONDS,
            connections=connections,
            rate=rate,
            method="POST",
            body_bytes=BODY_BYTES,
            expect=expect,
        )

    async def ask_in_vain(self, urls: list[str], *, seconds: float, connections: int) -> dict[str, Any]:
        """The yardstick: OPTIONS of the same URLs, which the gateway answers 204 by itself."""
        return await programs.read(
            urls,
            "",
            {"gateway": self.product.processes()["gateway"]},
            seconds=seconds,
            warm_seconds=WARM_SECONDS,
            connections=connections,
            method="OPTIONS",
            expect=(204,),
        )


@contextlib.asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """ProductError or ProgramError when something does not start."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runhook-bench-")))
        product = await stack.enter_async_context(throwaway(**UNTHROTTLED))
        database = await asyncpg.connect(product.database_url)
        stack.push_async_callback(database.close)
        yield Ground(product=product, database=database, folder=folder)
