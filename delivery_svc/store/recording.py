"""Recording: what leaves a pod's hands, one statement per group.

Attempts are appended whatever became of the lease; the queue moves only where the lease is still this pod's, and never back: a
flush that is repeated finds its attempt counted, even if the same pod has leased the row again since. A delivery
that succeeded leaves the queue even if it was freed meanwhile, but not if another pod holds it: that one reports too.
"""

from collections.abc import Sequence

import asyncpg

from delivery_svc.delivery import Settled, phase_us
from delivery_svc.sending.exchange import ErrorClass

# A row of the queue is found by `any (array(...))`, and meets its attempt in a hash: whatever the planner believes of a queue
# that was empty a moment ago, neither side is walked once for each row of the other. For that it has to expect many attempts:
# of arrays it expects 10 elements, and `once`, which is one row for each, makes it 10,000. `again` is a column because of its
# guessed selectivity, a half; "is null" would be guessed to find nothing, and a group of failures be joined row by row.
RECORD = """
with input as materialized (
    select a.delivery_id, a.id, a.subscription_id, coalesce(a.number, 1) as number, a.began_us, a.status_code,
           coalesce(a.error, 'none') as error, coalesce(a.detail, '') as detail, a.duration_us, a.response_body, a.state,
           coalesce(a.delay, 0) as delay, coalesce(a.response_headers, '') as response_headers,
           coalesce(a.custom_names, '') as custom_names, coalesce(a.phase, '') as phase, a.resolve_us, a.connect_us, a.tls_us,
           coalesce(a.manual, false) as manual, a.state is null as again,
           generate_series(1, least(1, a.delivery_id)) as once
      from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::bigint[], $7::text[], $8::bytea[],
                  $9::bytea[], $11::smallint[], $12::text[], $13::text[], $14::float8[], $15::text[], $16::text[], $17::int[],
                  $18::int[], $19::int[], $20::boolean[])
           as a(delivery_id, id, subscription_id, began_us, status_code, duration_us, state, response_body, response_headers,
                number, error, detail, delay, custom_names, phase, resolve_us, connect_us, tls_us, manual)
), made as (
    insert into delivery.attempt
           (attempted_at, delivery_id, id, subscription_id, number, outcome, status_code, error, detail, duration_us,
            response_body, response_headers, custom_names, phase, resolve_us, connect_us, tls_us, manual)
    select timestamptz 'epoch' + i.began_us * interval '1 microsecond', i.delivery_id, i.id, i.subscription_id, i.number,
           case i.state when 'SUCCEEDED' then 'succeeded' else 'retryable' end, i.status_code, i.error, i.detail, i.duration_us,
           i.response_body, i.response_headers, i.custom_names, i.phase, i.resolve_us, i.connect_us, i.tls_us, i.manual
      from input i
    on conflict do nothing
), gone as (
    delete from delivery.queue q
     using input i
     where not i.again and q.id = i.delivery_id and q.attempts < i.number
       and q.id = any (array(select f.delivery_id from input f where not f.again))
       and (q.lease_id = any ($10::bigint[]) or (q.lease_id is null and i.state = 'SUCCEEDED'))
    returning q.id, q.event_id, q.published_at, q.subscription_id, q.account_id, q.webhook_name, i.number, i.state
), finished as (
    insert into delivery.delivery
           (finished_at, id, event_id, published_at, subscription_id, account_id, webhook_name, attempts, state, reason)
    select clock_timestamp(), g.id, g.event_id, g.published_at, g.subscription_id, g.account_id, g.webhook_name, g.number,
           g.state, case g.state when 'FAILED' then 'retries_exhausted' else '' end
      from gone g
)
update delivery.queue q
   set lease_id = null, attempts = i.number, due_at = clock_timestamp() + make_interval(secs => i.delay)
  from input i
 where i.again and q.id = i.delivery_id and q.lease_id = any ($10::bigint[]) and q.attempts < i.number
   and q.id = any (array(select r.delivery_id from input r where r.again))
"""

GIVE_BACK = """
update delivery.queue set lease_id = null, due_at = least(due_at, clock_timestamp())
 where id = any ($1::bigint[]) and lease_id = any ($2::bigint[])
"""

PARK = """
with parked as (
    update delivery.queue set lease_id = null, parked = true
     where id = any ($1::bigint[]) and lease_id = any ($2::bigint[])
    returning subscription_id
)
insert into delivery.lane as k (subscription_id, next_due_at)
select p.subscription_id, clock_timestamp() from parked p group by p.subscription_id order by p.subscription_id
on conflict (subscription_id) do update
   set next_due_at = case when k.open_until is null then least(k.next_due_at, excluded.next_due_at)
                          else coalesce(k.next_due_at, greatest(k.open_until, excluded.next_due_at)) end
"""

CANCEL = """
with gone as (
    delete from delivery.queue
     where id = any ($1::bigint[]) and lease_id = any ($2::bigint[])
    returning id, event_id, published_at, subscription_id, account_id, webhook_name, attempts
)
insert into delivery.delivery (finished_at, id, event_id, published_at, subscription_id, account_id, webhook_name, attempts,
                               state, reason)
select clock_timestamp(), g.id, g.event_id, g.published_at, g.subscription_id, g.account_id, g.webhook_name, g.attempts,
       'CANCELLED', c.reason
  from gone g join unnest($1::bigint[], $3::text[]) as c(id, reason) on c.id = g.id
"""


async def record_attempts(pool: asyncpg.Pool, group: Sequence[Settled]) -> None:
    """Appends the attempts, takes finished deliveries off the queue and reschedules the others."""
    await pool.execute(RECORD, *_columns(group), _epochs(group), *_rare_columns(group))


async def let_go(pool: asyncpg.Pool, group: Sequence[Settled]) -> None:
    """Writes what leaves without an attempt: cancelled, parked, or given back."""
    cancelled = [s for s in group if s.state is not None]
    parked = [s for s in group if s.state is None and s.parked]
    free = [s for s in group if s.state is None and not s.parked]
    if cancelled:
        await pool.execute(CANCEL, *_leases(cancelled), [s.reason for s in cancelled])
    if parked:
        await pool.execute(PARK, *_leases(parked))
    if free:
        await pool.execute(GIVE_BACK, *_leases(free))


def _leases(group: Sequence[Settled]) -> tuple[list[int], list[int]]:
    return [s.delivery.id for s in group], _epochs(group)


def _epochs(group: Sequence[Settled]) -> list[int]:
    return list({s.delivery.epoch for s in group})


def _columns(group: Sequence[Settled]) -> list[list[object]]:
    """What every attempt has, column by column."""
    rows = [
        (
            settled.delivery.id,
            attempt.id,
            settled.delivery.profile.subscription_id,
            attempt.began_us,
            attempt.exchange.status_code,
            int(attempt.exchange.duration * 1_000_000),
            settled.state,
            attempt.exchange.body,
            attempt.exchange.head,
        )
        for settled in group
        if (attempt := settled.attempt) is not None
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _rare_columns(group: Sequence[Settled]) -> list[list[object]]:
    """What most attempts have nothing of: None is the usual. A column without anything is sent empty, and unnest fills it up
    with nulls: every element costs its encoding."""
    rows = [_USUAL if _is_usual(settled) else _rare(settled) for settled in group]
    return [list(column) if any(column) else [] for column in zip(*rows, strict=True)]


_USUAL: tuple[object, ...] = (None,) * 10


def _is_usual(settled: Settled) -> bool:
    """A success at once, over a kept connection, without headers of its own: nearly every attempt."""
    attempt, delivery = settled.attempt, settled.delivery
    if settled.state != "SUCCEEDED" or attempt is None or attempt.number > 1 or delivery.redelivery is not None:
        return False
    exchange = attempt.exchange
    return exchange.connect_seconds is None and exchange.resolve_seconds is None and not delivery.profile.custom_names


def _rare(settled: Settled) -> tuple[object, ...]:
    attempt = settled.attempt
    assert attempt is not None
    exchange = attempt.exchange
    return (
        attempt.number if attempt.number > 1 else None,
        None if exchange.error is ErrorClass.NONE else exchange.error,
        exchange.detail.replace("\0", "") or None,
        settled.delay or None,
        settled.delivery.profile.custom_names or None,
        exchange.phase or None,
        *phase_us(exchange),
        settled.delivery.redelivery is not None or None,
    )
