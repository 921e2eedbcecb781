"""Pods that serve, and the runners connected to each: for people to look at."""

import json
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from trigger_svc.overview import MOST_PODS, SERVES_SECONDS, ConnectedRunner, Pod

BEAT = """
insert into trigger.pod as p (pod_id, name, runners) values ($1, $2, $3::jsonb)
on conflict (pod_id) do update set heartbeat_at = clock_timestamp(), runners = excluded.runners
"""
# A pod that ends unheard leaves its row behind.
FORGET = "delete from trigger.pod where heartbeat_at < clock_timestamp() - make_interval(secs => $1)"
LEAVE = "delete from trigger.pod where pod_id = $1"
SERVING = """
select name, started_at, heartbeat_at, runners
  from trigger.pod
 where heartbeat_at >= clock_timestamp() - make_interval(secs => $1)
 order by name, started_at
 limit $2
"""


async def beat(pool: asyncpg.Pool, pod_id: UUID, name: str, runners: Sequence[ConnectedRunner]) -> None:
    """Says that the pod serves, and which runners."""
    told = [{"name": one.name, "account_id": one.account_id, "free_slots": one.free_slots} for one in runners]
    await pool.execute(BEAT, pod_id, name, json.dumps(told))


async def forget(pool: asyncpg.Pool, older_than_seconds: float) -> None:
    """Forgets pods that were not heard of for that long."""
    await pool.execute(FORGET, older_than_seconds)


async def leave(pool: asyncpg.Pool, pod_id: UUID) -> None:
    """Forgets the pod."""
    await pool.execute(LEAVE, pod_id)


async def serving(pool: asyncpg.Pool) -> list[Pod]:
    """Those that were heard of a moment ago, with all of their runners."""
    return [
        Pod(
            name=row["name"],
            started_at=row["started_at"],
            heartbeat_at=row["heartbeat_at"],
            runners=tuple(ConnectedRunner(**one) for one in json.loads(row["runners"])),
        )
        for row in await pool.fetch(SERVING, SERVES_SECONDS, MOST_PODS)
    ]
