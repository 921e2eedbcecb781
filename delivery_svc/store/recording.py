"""Recording: what leaves a pod's hands, one statement per group.

Attempts are appended whatever became of the lease; the queue moves only where the lease is still this pod's. A delivery
that succeeded leaves the queue even if it was freed meanwhile, but not if another pod holds it: that one reports too.
"""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from delivery_svc.delivery import Settled

RECORD = """
with made as (
    insert into delivery.attempt (attempted_at, delivery_id, id, subscription_id, number, outcome, status_code, error, detail,
                                  duration_us, response_body)
    select a.attempted_at, a.delivery_id, a.id, a.subscription_id, a.number, a.outcome, a.status_code, a.error, a.detail,
           a.duration_us, a.response_body
      from unnest($1::timestamptz[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[], $7::smallint[],
                  $8::text[], $9::text[], $10::bigint[], $11::bytea[])
           as a(attempted_at, delivery_id, id, subscription_id, number, outcome, status_code, error, detail, duration_us,
                response_body)
    on conflict do nothing
), gone as (
    delete from delivery.queue q
     where q.id = any ($12::bigint[])
       and (q.lease_id = any ($16::bigint[]) or (q.lease_id is null and q.id = any ($15::bigint[])))
    returning q.id, q.event_id, q.published_at, q.subscription_id, q.account_id, q.webhook_name
), finished as (
    insert into delivery.delivery (finished_at, id, event_id, published_at, subscription_id, account_id, webhook_name, attempts,
                                   state, reason)
    select clock_timestamp(), g.id, g.event_id, g.published_at, g.subscription_id, g.account_id, g.webhook_name, d.attempts,
           d.state, d.reason
      from gone g
      join unnest($12::bigint[], $13::smallint[], $14::text[], $20::text[]) as d(id, attempts, state, reason) on d.id = g.id
), rescheduled as (
    update delivery.queue q
       set lease_id = null, attempts = r.attempts, due_at = clock_timestamp() + r.delay
      from unnest($17::bigint[], $18::smallint[], $19::interval[]) as r(id, attempts, delay)
     where q.id = r.id and q.id = any ($17::bigint[]) and q.lease_id = any ($16::bigint[])
)
insert into delivery.lane as k (subscription_id, last_status_code, last_attempt_at)
select h.subscription_id, h.status_code, h.attempted_at
  from unnest($21::bigint[], $22::smallint[], $23::timestamptz[]) as h(subscription_id, status_code, attempted_at)
on conflict (subscription_id) do update
   set last_status_code = case when excluded.last_status_code = 0 then k.last_status_code else excluded.last_status_code end,
       last_attempt_at = greatest(k.last_attempt_at, excluded.last_attempt_at)
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
on conflict (subscription_id) do update set next_due_at = least(k.next_due_at, excluded.next_due_at)
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
    """Appends the attempts, takes finished deliveries off the queue, reschedules the others, and notes endpoint health."""
    done = [settled for settled in group if settled.state is not None]
    again = [settled for settled in group if settled.state is None]
    await pool.execute(
        RECORD, *_attempts(group), *_done(done, group), *_again(again), [s.reason for s in done], *_health(group)
    )


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


def _attempts(group: Sequence[Settled]) -> tuple[list[object], ...]:
    rows = [
        (
            attempt.attempted_at,
            settled.delivery.id,
            attempt.id,
            settled.delivery.profile.subscription_id,
            attempt.number,
            attempt.outcome.value,
            attempt.exchange.status_code,
            attempt.exchange.error.value,
            attempt.exchange.detail.replace("\0", ""),
            int(attempt.exchange.duration * 1_000_000),
            attempt.exchange.body,
        )
        for settled in group
        if (attempt := settled.attempt) is not None
    ]
    return tuple(list(column) for column in zip(*rows, strict=True))


def _done(done: Sequence[Settled], group: Sequence[Settled]) -> tuple[list[object], ...]:
    return (
        [s.delivery.id for s in done],
        [s.delivery.attempts for s in done],
        [s.state for s in done],
        [s.delivery.id for s in done if s.state == "SUCCEEDED"],
        list(_epochs(group)),
    )


def _again(again: Sequence[Settled]) -> tuple[list[object], ...]:
    return (
        [s.delivery.id for s in again],
        [s.delivery.attempts for s in again],
        [timedelta(seconds=s.delay) for s in again],
    )


def _health(group: Sequence[Settled]) -> tuple[list[object], ...]:
    """The last answer of each lane in the group, ids sorted so that two pods take row locks in one order."""
    last: dict[int, tuple[int, object]] = {}
    for settled in group:
        if settled.attempt is not None:
            key = settled.delivery.profile.subscription_id
            code = settled.attempt.exchange.status_code or last.get(key, (0, None))[0]
            last[key] = (code, settled.attempt.attempted_at)
    ordered = sorted(last.items())
    return [key for key, _ in ordered], [code for _, (code, _) in ordered], [at for _, (_, at) in ordered]
