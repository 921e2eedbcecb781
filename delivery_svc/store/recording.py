"""Recording: what leaves a pod's hands, one statement per group.

Attempts are appended whatever became of the lease; the queue moves only where the lease is still this pod's, and never back: a
flush that is repeated finds its attempt counted, even if the same pod has leased the row again since. A delivery
that succeeded leaves the queue even if it was freed meanwhile, but not if another pod holds it: that one reports too.
"""

from collections.abc import Sequence

import asyncpg

from delivery_svc.delivery import Settled, phase_us

RECORD = """
with input as materialized (
    select a.delivery_id, a.id, a.subscription_id, a.number, a.began_us, a.outcome, a.status_code, a.error, a.detail,
           a.duration_us, a.response_body, a.state, a.delay, a.response_headers, a.custom_names, a.phase, a.resolve_us,
           a.connect_us, a.tls_us, a.manual
      from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::text[], $7::smallint[],
                  $8::text[], $9::text[], $10::bigint[], $11::bytea[], $12::text[], $13::float8[], $15::bytea[], $16::text[],
                  $17::text[], $18::int[], $19::int[], $20::int[], $21::boolean[])
           as a(delivery_id, id, subscription_id, number, began_us, outcome, status_code, error, detail, duration_us,
                response_body, state, delay, response_headers, custom_names, phase, resolve_us, connect_us, tls_us, manual)
), made as (
    insert into delivery.attempt
           (attempted_at, delivery_id, id, subscription_id, number, outcome, status_code, error, detail, duration_us,
            response_body, response_headers, custom_names, phase, resolve_us, connect_us, tls_us, manual)
    select timestamptz 'epoch' + i.began_us * interval '1 microsecond', i.delivery_id, i.id, i.subscription_id, i.number,
           i.outcome, i.status_code, i.error, i.detail, i.duration_us, i.response_body, coalesce(i.response_headers, ''),
           coalesce(i.custom_names, ''), coalesce(i.phase, ''), i.resolve_us, i.connect_us, i.tls_us,
           coalesce(i.manual, false)
      from input i
    on conflict do nothing
), gone as (
    delete from delivery.queue q
     using input i
     where i.state is not null and q.id = i.delivery_id and q.attempts < i.number
       and q.id = any (array(select f.delivery_id from input f where f.state is not null))
       and (q.lease_id = any ($14::bigint[]) or (q.lease_id is null and i.state = 'SUCCEEDED'))
    returning q.id, q.event_id, q.published_at, q.subscription_id, q.account_id, q.webhook_name
), finished as (
    insert into delivery.delivery
           (finished_at, id, event_id, published_at, subscription_id, account_id, webhook_name, attempts, state, reason)
    select clock_timestamp(), g.id, g.event_id, g.published_at, g.subscription_id, g.account_id, g.webhook_name, i.number,
           i.state, case i.state when 'FAILED' then 'retries_exhausted' else '' end
      from gone g join input i on i.delivery_id = g.id
)
update delivery.queue q
   set lease_id = null, attempts = i.number, due_at = clock_timestamp() + make_interval(secs => i.delay)
  from input i
 where i.state is null and q.id = i.delivery_id and q.lease_id = any ($14::bigint[]) and q.attempts < i.number
   and q.id = any (array(select r.delivery_id from input r where r.state is null))
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


def _columns(group: Sequence[Settled]) -> tuple[list[object], ...]:
    rows = [
        (
            settled.delivery.id,
            attempt.id,
            settled.delivery.profile.subscription_id,
            attempt.number,
            attempt.began_us,
            attempt.outcome,
            attempt.exchange.status_code,
            attempt.exchange.error,
            attempt.exchange.detail.replace("\0", ""),
            int(attempt.exchange.duration * 1_000_000),
            attempt.exchange.body,
            settled.state,
            settled.delay,
        )
        for settled in group
        if (attempt := settled.attempt) is not None
    ]
    return tuple(list(column) for column in zip(*rows, strict=True))


def _rare_columns(group: Sequence[Settled]) -> tuple[list[object], ...]:
    """What most attempts have nothing of. A column without anything is sent empty: unnest fills it up with nulls."""
    rows = [
        (
            attempt.exchange.head or None,
            settled.delivery.profile.custom_names or None,
            attempt.exchange.phase or None,
            *phase_us(attempt.exchange),
            settled.delivery.redelivery is not None or None,
        )
        for settled in group
        if (attempt := settled.attempt) is not None
    ]
    return tuple(list(column) if any(column) else [] for column in zip(*rows, strict=True))
