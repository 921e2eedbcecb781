"""Triggers whose moment has come: found along the index of due ones, and each started by one statement.

Invariant: a moment starts one execution, however many pods see it: the statement moves the trigger on only from the moment
that was seen, under its lock, and starts in the same transaction. A trigger that somebody holds is passed over.
"""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from trigger_svc.schedule import Cron

# statement_timestamp(): the index takes no volatile call.
DUE = """
select trigger_id, public_id, next_start_at as due_at, cron_expression, time_zone, statement_timestamp() as now
  from trigger.trigger
 where next_start_at <= statement_timestamp() and enabled
 order by next_start_at
 limit $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A trigger whose moment has come, and the database's time when that was seen; `cron` is None for kind ONCE."""

    trigger_id: int
    public_id: str
    due_at: datetime
    now: datetime
    cron: Cron | None


async def due(pool: asyncpg.Pool, *, most: int) -> list[Due]:
    """Enabled triggers whose moment has come, the longest due first."""
    return [_due(row) for row in await pool.fetch(DUE, most)]


START = """
with due as materialized (
    select trigger_id from trigger.trigger
     where trigger_id = $1 and next_start_at = $2 and enabled
       for no key update skip locked
), moved as (
    update trigger.trigger t
       set next_start_at = $3
      from due
     where t.trigger_id = due.trigger_id
    returning t.trigger_id, t.account_id, t.task_id, t.plan_id, t.kind
)
select s.answer, s.execution_id, s.state, extract(epoch from clock_timestamp() - $2)::double precision as late_seconds
  from moved m
 cross join lateral trigger.start_execution(
       $4, m.account_id, m.task_id, m.plan_id, m.kind, m.trigger_id, p_request_id => $5) s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What became of a moment: STARTED, REPEATED or TARGET_MISSING, and the execution where there is one."""

    answer: str
    execution_id: str | None
    state: str | None
    late_seconds: float


async def start(pool: asyncpg.Pool, one: Due, *, next_start_at: datetime | None, execution_id: str) -> Start | None:
    """Starts a due trigger's execution and moves it on; None when another pod does, or it was changed meanwhile."""
    request_id = f"{one.public_id}:{one.due_at:%Y-%m-%dT%H:%M:%S.%f}"
    row = await pool.fetchrow(START, one.trigger_id, one.due_at, next_start_at, execution_id, request_id)
    return None if row is None else Start(**row)


def _due(row: asyncpg.Record) -> Due:
    expression = row["cron_expression"]
    return Due(
        trigger_id=row["trigger_id"],
        public_id=row["public_id"],
        due_at=row["due_at"],
        now=row["now"],
        cron=None if expression is None else Cron(expression=expression, time_zone=row["time_zone"]),
    )
