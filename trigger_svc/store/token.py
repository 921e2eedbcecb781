"""Tokens: what stands in the database about the trigger that one leads to."""

from dataclasses import dataclass, field

import asyncpg


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """A trigger as its calls need it. `verification` and `call_rules` are JSON, `sealed` the secrets of the former.

    `version` is another one whenever one of these three or `data_mode` is.
    """

    trigger_id: int
    generation: int
    version: int
    enabled: bool
    max_bytes: int
    data_mode: str
    rejects: bool
    verification: str | None
    call_rules: str | None
    sealed: list[bytes] = field(repr=False)


FIND_TARGETS = """
select k.token_hash, k.trigger_id, k.generation, g.version, h.enabled, h.max_bytes, g.data_mode,
       coalesce(y.queue_mode, l.queue_mode) = 'reject' as rejects, g.verification, g.call_rules,
       case when g.verification is null then '{}'
            else array(select s.sealed from trigger.verification_secret s where s.trigger_id = k.trigger_id order by s.place)
       end as sealed
  from trigger.token k
  join trigger.head h on h.trigger_id = k.trigger_id
  join trigger.trigger g on g.trigger_id = k.trigger_id
  left join trigger.task y on y.task_id = g.task_id
  left join trigger.plan l on l.plan_id = g.plan_id
 where k.token_hash = any($1::bytea[]) and (k.expires_at is null or k.expires_at > clock_timestamp())
"""


async def find_targets(pool: asyncpg.Pool, token_hashes: list[bytes]) -> dict[bytes, TargetRow]:
    """The triggers behind token hashes, enabled or not; unknown hashes are missing in the answer."""
    rows = await pool.fetch(FIND_TARGETS, token_hashes)
    return {row["token_hash"]: _target_of(row) for row in rows}


def _target_of(row: asyncpg.Record) -> TargetRow:
    return TargetRow(**{name: value for name, value in row.items() if name != "token_hash"})
