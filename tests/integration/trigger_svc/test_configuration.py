"""Tasks, plans and triggers as configuration, over gRPC: each rule broken once."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from chassis.status import refusal_of
from runhook.trigger.v1 import task_pb2
from tests.support.trigger import ACCOUNT, call
from tests.support.trigger_house import House, Refused, cron_message, plan_message, refused
from tests.support.trigger_service import Service, task_message, trigger_message

CODE = grpc.StatusCode


@pytest.fixture
def house(trigger_svc: Service) -> House:
    return House(trigger_svc)


async def test_tasks_are_listed_updated_copied_and_deleted(house: House) -> None:
    made = [await house.task(name=f"t{number}") for number in range(3)]
    theirs = await house.task(account_id=ACCOUNT + 1)
    first = await house.ListTasks(account_id=ACCOUNT, page_size=2)
    rest = await house.ListTasks(account_id=ACCOUNT, page_token=first.next_page_token)
    assert ([*first.tasks, *rest.tasks], rest.next_page_token) == (made, "")
    wanted = task_message(task_id=made[0].task_id, name="new", etag=made[0].etag)
    changed = (await house.UpdateTask(task=wanted)).task
    assert (changed.name, changed.etag != made[0].etag) == ("new", True)
    assert (await house.GetTask(account_id=ACCOUNT, task_id=changed.task_id)).task == changed
    copy = (await house.CopyTask(account_id=ACCOUNT, task_id=changed.task_id)).task
    assert (copy.name, copy.command) == ("new copy", changed.command)
    assert (await house.CopyTask(account_id=ACCOUNT, task_id=copy.task_id, name="other")).task.name == "other"
    await house.DeleteTask(account_id=ACCOUNT, task_id=copy.task_id)
    gone: Refused = (CODE.NOT_FOUND, "TASK_NOT_FOUND", [])
    assert await refused(house.DeleteTask(account_id=ACCOUNT, task_id=copy.task_id)) == gone
    assert await refused(house.DeleteTask(account_id=ACCOUNT, task_id=theirs.task_id)) == gone
    assert await refused(house.CopyTask(account_id=ACCOUNT, task_id=theirs.task_id)) == gone
    assert await refused(house.UpdateTask(task=task_message(task_id=theirs.task_id))) == gone


async def test_of_a_list_those_are_shown_that_are_named_and_there(house: House) -> None:
    first, second, third = [await house.task() for _ in range(3)]
    theirs = await house.task(account_id=ACCOUNT + 1)
    plans = [await house.plan([first.task_id]) for _ in range(2)]
    named = [third.task_id, 2**62, theirs.task_id, first.task_id, third.task_id]
    page = await house.ListTasks(account_id=ACCOUNT, task_ids=named, page_size=1)
    rest = await house.ListTasks(account_id=ACCOUNT, task_ids=named, page_token=page.next_page_token)
    assert ([*page.tasks, *rest.tasks], rest.next_page_token) == ([first, third], "")
    assert list((await house.ListTasks(account_id=ACCOUNT)).tasks) == [first, second, third]
    assert list((await house.ListPlans(account_id=ACCOUNT, plan_ids=[plans[1].plan_id])).plans) == [plans[1]]
    for ids, fields in ([1, 0, -5], ["[1]", "[2]"]), (range(1, 102), [""]):
        for ask, name in (house.ListTasks, "task_ids"), (house.ListPlans, "plan_ids"):
            answer = await refused(ask(account_id=ACCOUNT, **{name: ids}))
            assert answer == (CODE.INVALID_ARGUMENT, "INVALID_INPUT", [f"{name}{field}" for field in fields])


async def test_an_update_of_what_has_changed_meanwhile_is_refused(house: House) -> None:
    task = await house.task()
    plan = await house.plan([task.task_id])
    trigger = await house.webhook(task_id=task.task_id)
    stale: Refused = (CODE.FAILED_PRECONDITION, "ETAG_MISMATCH", [])
    task.name = plan.name = trigger.name = "a"
    trigger.enabled = True
    for ask, message in ((house.UpdateTask, "task"), (house.UpdatePlan, "plan"), (house.UpdateTrigger, "trigger")):
        things: dict[str, Any] = {"task": task, "plan": plan, "trigger": trigger}
        thing = things[message]
        changed = getattr(await ask(**{message: thing}), message)
        assert await refused(ask(**{message: thing})) == stale
        thing.etag = changed.etag
        await ask(**{message: thing})
        thing.etag = ""
        await ask(**{message: thing})


async def test_every_bad_field_of_an_update_is_named_and_nothing_changes(house: House) -> None:
    task = await house.task()
    bad = task_message(task_id=task.task_id, name="", command="-/", queue_limit=task_pb2.QueueLimit(executions=-1))
    fields = ["task.name", "task.command", "task.queue_limit.executions"]
    assert await refused(house.UpdateTask(task=bad)) == (CODE.INVALID_ARGUMENT, "INVALID_INPUT", fields)
    assert (await house.GetTask(account_id=ACCOUNT, task_id=task.task_id)).task == task


async def test_a_task_that_something_needs_is_not_deleted(house: House) -> None:
    in_use: Refused = (CODE.FAILED_PRECONDITION, "TASK_IN_USE", [])
    first, second, third = [await house.task() for _ in range(3)]
    plan = await house.plan([first.task_id], failure_handler_task_id=second.task_id)
    trigger = await house.cron(task_id=third.task_id)
    for task in (first, second, third):
        assert await refused(house.DeleteTask(account_id=ACCOUNT, task_id=task.task_id)) == in_use
    await house.DeletePlan(account_id=ACCOUNT, plan_id=plan.plan_id)
    await house.DeleteTrigger(account_id=ACCOUNT, trigger_id=trigger.trigger_id)
    for task in (first, second, third):
        await house.DeleteTask(account_id=ACCOUNT, task_id=task.task_id)


async def test_a_task_is_not_deleted_under_an_execution_that_waits(house: House) -> None:
    trigger, token = await house.service.trigger(threshold=1)
    await house.service.receive(call(token))
    await house.DeleteTrigger(account_id=ACCOUNT, trigger_id=trigger.trigger_id)
    deleting = house.DeleteTask(account_id=ACCOUNT, task_id=trigger.task_id)
    assert await refused(deleting) == (CODE.FAILED_PRECONDITION, "TASK_IN_USE", [])


async def test_a_plan_is_made_read_listed_updated_copied_and_deleted(house: House) -> None:
    tasks = [(await house.task()).task_id for _ in range(3)]
    wanted = plan_message(
        [tasks[1], tasks[0]],
        [tasks[2]],
        failure_handler_task_id=tasks[0],
        timeout=Duration(seconds=60),
        allow_parallel_runs=True,
        queue_limit=task_pb2.QueueLimit(
            executions=3, mode=task_pb2.QUEUE_MODE_REJECT, count=task_pb2.QUEUE_COUNT_ROLLING
        ),
    )
    wanted.steps[0].name = "Täglich"
    made = (await house.CreatePlan(plan=wanted)).plan
    wanted.plan_id, wanted.etag = made.plan_id, made.etag
    wanted.create_time.CopyFrom(made.create_time)
    wanted.steps[0].task_ids[:] = [tasks[0], tasks[1]]  # they run in parallel: their order is that of their ids
    assert made == wanted
    assert (await house.GetPlan(account_id=ACCOUNT, plan_id=made.plan_id)).plan == made
    usual = await house.plan([tasks[0]])
    assert (usual.timeout.seconds, usual.queue_limit.executions, usual.failure_handler_task_id) == (86_400, 50, 0)
    listed = await house.ListPlans(account_id=ACCOUNT, page_size=1)
    assert list(listed.plans) == [made]
    assert list((await house.ListPlans(account_id=ACCOUNT, page_token=listed.next_page_token)).plans) == [usual]
    changed = (await house.UpdatePlan(plan=plan_message([tasks[2]], plan_id=made.plan_id, name="new"))).plan
    assert ([list(step.task_ids) for step in changed.steps], changed.failure_handler_task_id) == ([[tasks[2]]], 0)
    copy = (await house.CopyPlan(account_id=ACCOUNT, plan_id=made.plan_id)).plan
    assert (copy.name, copy.steps) == ("new copy", changed.steps)
    await house.DeletePlan(account_id=ACCOUNT, plan_id=made.plan_id)
    gone: Refused = (CODE.NOT_FOUND, "PLAN_NOT_FOUND", [])
    for ask in (house.GetPlan, house.DeletePlan, house.CopyPlan):
        assert await refused(ask(account_id=ACCOUNT, plan_id=made.plan_id)) == gone
        assert await refused(ask(account_id=ACCOUNT + 1, plan_id=copy.plan_id)) == gone


async def test_a_plan_names_tasks_of_its_account_alone(house: House) -> None:
    mine, theirs = await house.task(), await house.task(account_id=ACCOUNT + 1)
    plan = plan_message([mine.task_id, theirs.task_id], [99], failure_handler_task_id=theirs.task_id)
    fields = ["plan.steps[0].task_ids[1]", "plan.steps[1].task_ids[0]", "plan.failure_handler_task_id"]
    assert await refused(house.CreatePlan(plan=plan)) == (CODE.INVALID_ARGUMENT, "INVALID_INPUT", fields)
    assert await house.pool.fetchval("select count(*) from trigger.plan") == 0


async def test_a_webhook_of_a_plan_needs_a_first_task_that_takes_its_calls(house: House) -> None:
    takes, without = await house.task(), await house.task(parameters=[])
    late = await house.plan([without.task_id], [takes.task_id])
    asked = house.CreateTrigger(trigger=trigger_message(plan_id=late.plan_id))
    assert await refused(asked) == (CODE.INVALID_ARGUMENT, "PARAMETER_MISSING", ["trigger.plan_id"])
    asked = house.CreateTrigger(trigger=trigger_message(plan_id=99))
    assert await refused(asked) == (CODE.NOT_FOUND, "PLAN_NOT_FOUND", [])
    first = await house.plan([without.task_id, takes.task_id])
    trigger = await house.webhook(plan_id=first.plan_id)
    assert (trigger.plan_id, trigger.task_id) == (first.plan_id, 0)
    again = house.CreateTrigger(trigger=trigger_message(plan_id=first.plan_id))
    assert await refused(again) == (CODE.ALREADY_EXISTS, "TRIGGER_EXISTS", [])
    in_use: Refused = (CODE.FAILED_PRECONDITION, "PLAN_IN_USE", [])
    assert await refused(house.DeletePlan(account_id=ACCOUNT, plan_id=first.plan_id)) == in_use


async def test_an_edit_that_leaves_a_webhook_without_a_taker_is_refused(house: House) -> None:
    needed: Refused = (CODE.FAILED_PRECONDITION, "WEBHOOK_NEEDS_PARAMETER", [])
    one, two, without = await house.task(), await house.task(), await house.task(parameters=[])
    plan = await house.plan([one.task_id, two.task_id])
    await house.webhook(plan_id=plan.plan_id)
    edit = plan_message([without.task_id], [one.task_id], plan_id=plan.plan_id)
    assert await refused(house.UpdatePlan(plan=edit)) == needed
    await house.UpdateTask(task=task_message(task_id=one.task_id, parameters=[]))  # the other one still takes them
    assert await refused(house.UpdateTask(task=task_message(task_id=two.task_id, parameters=[]))) == needed
    alone = await house.task()
    await house.webhook(task_id=alone.task_id)
    assert await refused(house.UpdateTask(task=task_message(task_id=alone.task_id, parameters=[]))) == needed
    assert (await house.GetPlan(account_id=ACCOUNT, plan_id=plan.plan_id)).plan == plan


async def test_two_edits_at_once_cannot_take_the_parameter_from_both_tasks(house: House) -> None:
    one, two = await house.task(), await house.task()
    await house.webhook(plan_id=(await house.plan([one.task_id, two.task_id])).plan_id)
    edits = [house.UpdateTask(task=task_message(task_id=task.task_id, parameters=[])) for task in (one, two)]
    outcomes = await asyncio.gather(*edits, return_exceptions=True)
    assert sum(isinstance(outcome, grpc.aio.AioRpcError) for outcome in outcomes) == 1


async def test_windows_may_hold_what_the_strictest_taker_takes(house: House) -> None:
    big = task_pb2.TASK_KIND_BIG_DATA
    most = "select max_bytes from trigger.head"
    task, other = await house.task(), await house.task(kind=big, parameters=[])
    plan = await house.plan([task.task_id, other.task_id])
    trigger = await house.webhook(plan_id=plan.plan_id)
    assert await house.pool.fetchval(most) == 8 * 1024 * 1024
    await house.UpdateTask(task=task_message(task_id=other.task_id, kind=big))
    assert await house.pool.fetchval(most) == 5 * 1024
    await house.UpdatePlan(plan=plan_message([task.task_id], plan_id=plan.plan_id))
    assert await house.pool.fetchval(most) == 8 * 1024 * 1024
    token = (await house.RevealTriggerToken(account_id=ACCOUNT, trigger_id=trigger.trigger_id)).token
    await house.service.receive(call(token, b"x" * 6_000, "text/plain"))
    edit = house.UpdateTask(task=task_message(task_id=task.task_id, kind=big))
    assert await refused(edit) == (CODE.FAILED_PRECONDITION, "WINDOW_TOO_LARGE", [])


async def test_a_webhook_excludes_all_others_and_the_other_way_round(house: House) -> None:
    excluded: Refused = (CODE.ALREADY_EXISTS, "TRIGGERS_EXCLUDED", [])
    task = await house.task()
    webhook = await house.webhook(task_id=task.task_id)
    assert await refused(house.CreateTrigger(trigger=cron_message(task_id=task.task_id))) == excluded
    await house.DeleteTrigger(account_id=ACCOUNT, trigger_id=webhook.trigger_id)
    crons = [await house.cron(task_id=task.task_id) for _ in range(2)]
    assert await refused(house.CreateTrigger(trigger=trigger_message(task_id=task.task_id))) == excluded
    for cron in crons:
        await house.DeleteTrigger(account_id=ACCOUNT, trigger_id=cron.trigger_id)
    await house.webhook(task_id=task.task_id)


async def test_of_a_webhook_and_a_schedule_made_at_once_one_is_there(house: House) -> None:
    for _ in range(10):
        task = await house.task()
        asks = [trigger_message(task_id=task.task_id), *(cron_message(task_id=task.task_id) for _ in range(3))]
        outcomes = await asyncio.gather(*(house.CreateTrigger(trigger=one) for one in asks), return_exceptions=True)
        made = [not isinstance(outcome, BaseException) for outcome in outcomes]
        assert made in ([True, False, False, False], [False, True, True, True])


async def test_a_target_has_at_most_15_schedules(house: House) -> None:
    plan = await house.plan([(await house.task()).task_id])
    outcomes = await asyncio.gather(*(house.cron(plan_id=plan.plan_id) for _ in range(17)), return_exceptions=True)
    refusals = [refusal_of(one) for one in outcomes if isinstance(one, grpc.aio.AioRpcError)]
    assert [(one.code, one.reason) for one in refusals] == [(CODE.RESOURCE_EXHAUSTED, "TOO_MANY_TRIGGERS")] * 2
    listed = await house.ListTriggers(account_id=ACCOUNT, page_size=100)
    assert len(listed.triggers) == 15
