"""A test that was sent: its event, its finished delivery and its one attempt, in one statement."""

from dataclasses import dataclass

import asyncpg

from delivery_svc.delivery import phase_us
from delivery_svc.event import Event
from delivery_svc.sending.exchange import Exchange

INSERT_TRIAL = """
with moment as materialized (
    select timestamptz 'epoch' + $1::bigint * interval '1 microsecond' as began, nextval('delivery.delivery_id') as id
), stored as (
    insert into delivery.event (published_at, event_id, account_id, event_type, job_id, event_time_ns, data)
    select m.began, $2, $3, $4, $5, $6, $7 from moment m
), finished as (
    insert into delivery.delivery
           (finished_at, id, event_id, published_at, subscription_id, account_id, webhook_name, attempts, state, reason, test)
    select clock_timestamp(), m.id, $2, m.began, $8, $3, $9, 1,
           case when $10::boolean then 'SUCCEEDED' else 'FAILED' end,
           case when $10::boolean then '' else 'test_failed' end, true
      from moment m
)
insert into delivery.attempt
       (attempted_at, delivery_id, id, subscription_id, number, manual, outcome, status_code, error, detail, duration_us,
        response_body, response_headers, custom_names, phase, resolve_us, connect_us, tls_us)
select m.began, m.id, $11, $8, 1, true, case when $10::boolean then 'succeeded' else 'retryable' end, $12, $13, $14, $15, $16,
       $17, $18, $19, $20, $21, $22
  from moment m
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One test. `began_us` is microseconds since 1970, on the database's clock."""

    attempt_id: int
    event: Event
    subscription_id: int
    webhook_name: str
    custom_names: str
    began_us: int
    exchange: Exchange


async def insert(pool: asyncpg.Pool, trial: Trial) -> None:
    """Records the test."""
    event, exchange = trial.event, trial.exchange
    await pool.execute(
        INSERT_TRIAL,
        trial.began_us,
        event.event_id,
        event.account_id,
        event.event_type,
        event.job_id,
        event.event_time_ns,
        event.data,
        trial.subscription_id,
        trial.webhook_name,
        exchange.succeeded,
        trial.attempt_id,
        exchange.status_code,
        exchange.error,
        exchange.detail.replace("\0", ""),
        int(exchange.duration * 1_000_000),
        exchange.body,
        exchange.head,
        trial.custom_names,
        exchange.phase,
        *phase_us(exchange),
    )
