"""Makes, changes, copies and deletes plans. Invariant: a webhook never loses the tasks that take its calls."""

import dataclasses
from collections.abc import Sequence

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from chassis import paging
from chassis.errors import FailedPrecondition, InvalidInput, NotFound
from chassis.etag import check_etag
from trigger_svc.configure_task import needs_parameter, window_too_large
from trigger_svc.named import bad_ids
from trigger_svc.planned import NewPlan, Plan, bad_fields, missing_tasks
from trigger_svc.store import attached
from trigger_svc.store import plan_config as plans
from trigger_svc.task import LONGEST_NAME


async def create_plan(pool: asyncpg.Pool, wanted: NewPlan) -> Plan:
    """Stores the plan. InvalidInput with every bad field, tasks that are not there among them."""
    _check(wanted)
    async with pool.acquire() as connection, connection.transaction():
        await _hold_tasks(connection, wanted)
        return await _find(connection, wanted.account_id, await plans.insert(connection, wanted))


async def get_plan(pool: asyncpg.Pool, account_id: int, plan_id: int) -> Plan:
    """A plan; NotFound."""
    return await _find(pool, account_id, plan_id)


async def list_plans(
    pool: asyncpg.Pool, account_id: int, ids: Sequence[int], *, page_size: int, page_token: str
) -> tuple[list[Plan], str]:
    """A page of the account's plans, of those with these ids if there are any, oldest first; and the token of the next.

    InvalidInput.
    """
    bad = list(bad_ids("plan_ids", ids))
    if bad:
        raise InvalidInput(bad)
    page = paging.asked("plans", page_size=page_size, page_token=page_token)
    found = (
        await plans.list_named(pool, account_id, ids, above=page.after, most=page.most)
        if ids
        else await plans.list_oldest(pool, account_id, above=page.after, most=page.most)
    )
    return page.cut(found, lambda one: one.plan_id)


async def update_plan(pool: asyncpg.Pool, plan_id: int, wanted: NewPlan, *, etag: str) -> Plan:
    """Replaces the plan; what waits or runs goes on with the one it was made with.

    InvalidInput with every bad field; NotFound; FailedPrecondition for another etag, and when a webhook needs what would go.
    """
    _check(wanted)
    async with pool.acquire() as connection, connection.transaction():
        await attached.lock_of_plan(connection, plan_id)
        await plans.lock(connection, wanted.account_id, plan_id)
        check_etag(etag, (await _find(connection, wanted.account_id, plan_id)).version, "plan")
        await _hold_tasks(connection, wanted)
        await plans.update(connection, plan_id, wanted)
        try:
            if not await attached.refit_plan(connection, plan_id):
                raise needs_parameter()
        except asyncpg.CheckViolationError:
            raise window_too_large() from None
        return await _find(connection, wanted.account_id, plan_id)


async def delete_plan(pool: asyncpg.Pool, account_id: int, plan_id: int) -> None:
    """Deletes the plan. NotFound; FailedPrecondition while a trigger or an unfinished execution needs it."""
    async with pool.acquire() as connection, connection.transaction():
        await plans.lock(connection, account_id, plan_id)
        await _find(connection, account_id, plan_id)
        in_use = await plans.is_under_way(connection, plan_id)
        try:
            if not in_use:
                await plans.delete(connection, account_id, plan_id)
        except asyncpg.ForeignKeyViolationError:
            in_use = True
        if in_use:
            raise FailedPrecondition(
                "PLAN_IN_USE", f"a trigger or an unfinished execution needs plan {plan_id}: end or delete that first"
            )


async def copy_plan(pool: asyncpg.Pool, account_id: int, plan_id: int, name: str) -> Plan:
    """Makes a copy without its triggers, of this name or "... copy". NotFound; InvalidInput for the name."""
    found = await _find(pool, account_id, plan_id)
    fields = {field.name: getattr(found, field.name) for field in dataclasses.fields(NewPlan)}
    return await create_plan(pool, NewPlan(**fields | {"name": name or f"{found.name[: LONGEST_NAME - 5]} copy"}))


async def _find(connection: asyncpg.Pool | PoolConnectionProxy, account_id: int, plan_id: int) -> Plan:
    found = await plans.find(connection, account_id, plan_id)
    if found is None:
        raise NotFound("PLAN_NOT_FOUND", f"the account has no plan {plan_id}")
    return found


async def _hold_tasks(connection: PoolConnectionProxy, wanted: NewPlan) -> None:
    bad = missing_tasks(wanted, await plans.lock_tasks(connection, wanted.account_id, wanted))
    if bad:
        raise InvalidInput(bad)


def _check(wanted: NewPlan) -> None:
    bad = bad_fields(wanted)
    if bad:
        raise InvalidInput(bad)
