"""Takes an account's overview. Invariant: it writes nothing, and tells nobody of another account's runners."""

from dataclasses import replace

import asyncpg

from trigger_svc.overview import Overview, Pod
from trigger_svc.store import overview as store
from trigger_svc.store import pod


async def look_over(pool: asyncpg.Pool, account_id: int) -> Overview:
    """The account's windows, executions and runs at a glance."""
    taken_at = await store.now(pool)
    count, windows = await store.open_windows(pool, account_id)
    return Overview(
        taken_at=taken_at,
        open_windows=count,
        windows=windows,
        work=await store.work(pool, account_id),
        losses=await store.losses(pool, account_id),
        pods=[_seen_by(account_id, one) for one in await pod.serving(pool)],
    )


def _seen_by(account_id: int, one: Pod) -> Pod:
    return replace(one, runners=tuple(runner for runner in one.runners if runner.account_id in (None, account_id)))
