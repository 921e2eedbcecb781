"""Starts a run that a runner acquired, and keeps its lease from then on."""

import asyncpg

from chassis.errors import BadField, FailedPrecondition, InvalidInput
from trigger_svc.run import Lease, Order
from trigger_svc.store import run as runs

MOST_LEASES = 1_000


def lease_lost() -> FailedPrecondition:
    """The answer to a report on a run that somebody else has, or nobody."""
    return FailedPrecondition("LEASE_LOST", "the run is no longer held under this lease: kill it and forget it")


async def start_run(pool: asyncpg.Pool, lease: Lease, *, lease_seconds: float) -> tuple[Order, bool]:
    """Makes the run RUNNING and announces it; its order, and whether this call started it (a repeated one did not).

    FailedPrecondition LEASE_LOST when the lease is not the run's.
    """
    started = await runs.start(pool, lease, lease_seconds=lease_seconds)
    order = await runs.order_of(pool, lease)
    if order is None:
        raise lease_lost()
    return order, started


async def keep_leases(
    pool: asyncpg.Pool, leases: list[tuple[int, int]], *, account_id: int | None, lease_seconds: float
) -> list[int]:
    """Prolongs (run, lease) pairs; the runs that are no longer the caller's. InvalidInput above 1,000."""
    if len(leases) > MOST_LEASES:
        raise InvalidInput([BadField("leases", f"must be at most {MOST_LEASES:,}")])
    return await runs.keep_leases(pool, leases, account_id=account_id, lease_seconds=lease_seconds)
