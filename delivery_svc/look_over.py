"""Takes an account's overview. Invariant: it writes nothing, and holds one connection at a time, for a moment each."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from delivery_svc.overview import (
    DAY,
    HOUR,
    MOST_LOOKED_AT,
    MOST_LOSSES,
    MOST_TROUBLES,
    WIDTHS,
    Loss,
    Overview,
    Pod,
    Slice,
    Trouble,
    begin_of_hour,
    explanation,
    share,
)
from delivery_svc.store import overview as store

Rows = Sequence[asyncpg.Record]


async def look_over(pool: asyncpg.Pool, account_id: int) -> Overview:
    """The account's deliveries at a glance. One without subscriptions has an empty one."""
    now = await store.now(pool)
    subscriptions = await store.subscriptions(pool, account_id)
    total, slices, known = await _slices(pool, now, _tried_since(subscriptions, now - HOUR))
    due, oldest_due_at = await store.due(pool, account_id, [row["id"] for row in subscriptions])
    lost = await store.losses(pool, _tried_since(subscriptions, now - DAY), now - DAY, now, MOST_LOSSES)
    troubled = [row for row in subscriptions if row["deactivate_reason"] or row["open_until"]]
    return Overview(
        taken_at=now,
        since=known["since"],
        whole=known["whole"],
        total=total,
        width=timedelta(seconds=known["seconds"]),
        slices=slices,
        due=due,
        oldest_due_at=oldest_due_at,
        subscriptions=len(subscriptions),
        troubled=len(troubled),
        troubles=[_trouble(row) for row in troubled[:MOST_TROUBLES]],
        losses=_losses(lost, subscriptions),
        pods=[Pod(**row) for row in await store.pods(pool)],
    )


def _tried_since(subscriptions: Rows, moment: datetime) -> list[int]:
    """Those that something may have been finished of since then: a delivery ends with an attempt, or is cancelled unsent."""
    return [
        row["id"]
        for row in subscriptions
        if any(row[what] is not None and row[what] >= moment for what in ("last_attempt_at", "inactive_since"))
    ]


async def _slices(pool: asyncpg.Pool, now: datetime, tried: list[int]) -> tuple[Slice, list[Slice], asyncpg.Record]:
    """The total, the slices, and the row that says over which span they were taken."""
    since = begin_of_hour(now)
    rows = await store.slices(pool, tried, since, now, share(len(tried)), MOST_LOOKED_AT, WIDTHS)
    made = [_slice(row) for row in rows]
    return made[0], made[1:], rows[0]


def _slice(row: asyncpg.Record) -> Slice:
    return Slice(
        start=row["start"] or row["since"],
        succeeded=row["succeeded"],
        failed=row["failed"],
        cancelled=row["cancelled"],
        p50=_microseconds(row["p50_us"]),
        p95=_microseconds(row["p95_us"]),
    )


def _microseconds(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(microseconds=number)


def _trouble(row: asyncpg.Record) -> Trouble:
    return Trouble(
        subscription_id=row["public_id"],
        name=row["name"],
        deactivate_reason=row["deactivate_reason"] or "",
        held_until=row["open_until"],
        failing_since=row["failing_since"],
        last_status_code=row["last_status_code"],
    )


def _losses(lost: Rows, subscriptions: Rows) -> list[Loss]:
    by_id = {row["id"]: row for row in subscriptions}
    return [
        Loss(
            id=row["id"],
            event_id=row["event_id"],
            event_type=row["event_type"] or "",
            subscription_id=by_id[row["subscription_id"]]["public_id"],
            subscription_name=by_id[row["subscription_id"]]["name"],
            state=row["state"],
            reason=row["reason"],
            explanation=explanation(row["reason"], row["attempts"], row["status_code"], row["detail"]),
            attempts=row["attempts"],
            published_at=row["published_at"],
            finished_at=row["finished_at"],
            test=row["test"],
        )
        for row in lost
    ]
