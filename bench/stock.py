"""A stock of deliveries that nobody published: events and queue rows put into the tables by SQL, in bulk.

That is how a backlog of a million comes to be in a minute. What is drained from it was never published through the door, so
it has no request ids, and the tables were vacuumed and the log was checkpointed before it begins, as if it had lain there for
a while. Every result that was taken from a stock says so.

Invariant: while the stock is laid in nobody claims from it: the pod is stopped (SIGSTOP) at a moment when it has no
statement under way.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
from collections.abc import AsyncIterator, Sequence

import asyncpg

from bench.payload import EVENT_TYPE, Load, rendered, subscription_name
from bench.product import Product

NOTE = "the backlog was put into the event and queue tables by SQL, then vacuumed and checkpointed"
_CHUNK = 50_000
_QUIET_SECONDS = 0.05

BUSY = "select exists (select from pg_stat_activity where usename = 'runhook_delivery' and state <> 'idle')"
NUMBERS = "select public_id, id from subscription.subscription where public_id = any ($1::text[])"
EVENTS = """
insert into delivery.event (published_at, event_id, account_id, event_type, job_id, event_time_ns, data)
select $1::timestamptz, $2 || lpad(n::text, 15, '0'), $3, $4, $5 + n % $6::int, 0, $7
  from generate_series($8::int, $9::int) n
"""
QUEUE = """
insert into delivery.queue (id, event_id, published_at, subscription_id, account_id, webhook_name, due_at, parked)
select nextval('delivery.delivery_id'), $2 || lpad(n::text, 15, '0'), $1::timestamptz, ($3::bigint[])[1 + n % $4::int], $5,
       ($6::text[])[1 + n % $4::int], $1::timestamptz + n * interval '1 microsecond', $7
  from generate_series($8::int, $9::int) n
"""
PARK = """
insert into delivery.lane (subscription_id, next_due_at) select id, clock_timestamp() from unnest($1::bigint[]) id
on conflict (subscription_id) do update set next_due_at = excluded.next_due_at
"""
START = "select clock_timestamp() - $1::int * interval '1 microsecond'"


@contextlib.asynccontextmanager
async def stopped(product: Product, database: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    """The platform's delivery_svc stands still, with no statement under way; afterwards it goes on."""
    pid = product.processes()["delivery_svc"]
    try:
        while True:
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(_QUIET_SECONDS)
            if not await database.fetchval(BUSY):
                break
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(_QUIET_SECONDS)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def numbers(database: "asyncpg.Connection[asyncpg.Record]", public_ids: Sequence[str]) -> list[int]:
    """The tables' numbers of subscriptions, in the same order."""
    found = {row["public_id"]: row["id"] for row in await database.fetch(NUMBERS, public_ids)}
    return [found[public_id] for public_id in public_ids]


async def lay_in(
    database: "asyncpg.Connection[asyncpg.Record]",
    load: Load,
    subscription_ids: Sequence[int],
    count: int,
    *,
    first_endpoint: int = 0,
    parked: bool = False,
) -> None:
    """`count` due deliveries, in turn over these subscriptions, of which the first is the load's endpoint `first_endpoint`;
    older than anything that is published from now on. Parked ones are ready to be drawn."""
    prefix = f"wev_{secrets.token_hex(6)}"
    published_at = await database.fetchval(START, count)
    lanes = list(subscription_ids)
    names = [subscription_name(first_endpoint + lane) for lane in range(len(lanes))]
    first_job, data = load.first_job_id + first_endpoint, data_of(load)
    for first in range(0, count, _CHUNK):
        span = (first, min(first + _CHUNK, count) - 1)
        of_event = (load.account_id, EVENT_TYPE, first_job, len(lanes), data)
        await database.execute(EVENTS, published_at, prefix, *of_event, *span)
        of_queue = (lanes, len(lanes), load.account_id, names, parked)
        await database.execute(QUEUE, published_at, prefix, *of_queue, *span)
    if parked:
        await database.execute(PARK, lanes)
    await database.execute("vacuum (analyze) delivery.queue")
    await database.execute("vacuum (analyze) delivery.event")
    await database.execute("checkpoint")


def data_of(load: Load) -> bytes:
    """What the platform renders of an event of this load, with a stamp that no latency is taken from."""
    delivery = json.loads(rendered(load, 0, 10**18, load.job_name))
    return json.dumps(delivery["data"], separators=(",", ":")).encode()
