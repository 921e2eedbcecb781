"""E50 to E53: what may be configured. E56 to E59: when windows close."""

import asyncio
from collections import Counter
from typing import Any

from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.plan_pb2 import Plan, Step
from runhook.trigger.v1.trigger_pb2 import CronSchedule, Trigger, TriggerKind
from tests.support.rows.row import House, Row
from tests.support.trigger import ACCOUNT, eventually
from tests.support.trigger_service import METADATA, task_message

MINE = f"/api/v1/accounts/{ACCOUNT}"
WEBHOOK = {"name": "orders", "threshold": 2, "duration_seconds": 60}


async def a_plan_keeps_the_parameter_that_its_webhook_needs(house: House) -> None:
    """E50."""
    taking, other = await _task(house), await _task(house, parameters=[])
    made = await house.service.triggers.CreatePlan(
        pb.CreatePlanRequest(plan=Plan(account_id=ACCOUNT, name="nightly", steps=[Step(task_ids=[taking])])),
        metadata=METADATA,
    )
    plan_id = made.plan.plan_id
    hook = {"name": "plan_hook", "plan_id": str(plan_id), "threshold": 2, "duration_seconds": 60}
    assert (await house.call("POST", f"{MINE}/triggers", json=hook)).status == 201
    edited = {"name": "nightly", "steps": [{"task_ids": [str(other)]}]}
    assert (await house.call("PUT", f"{MINE}/plans/{plan_id}", json=edited)).status == 409


async def a_webhook_stands_alone(house: House) -> None:
    """E51."""
    hooked, scheduled = await _task(house), await _task(house)
    schedule = Trigger(
        account_id=ACCOUNT,
        name="nightly",
        kind=TriggerKind.TRIGGER_KIND_CRON,
        cron=CronSchedule(expression="0 3 * * *"),
        task_id=scheduled,
    )
    await house.service.triggers.CreateTrigger(pb.CreateTriggerRequest(trigger=schedule), metadata=METADATA)
    hook = WEBHOOK | {"task_id": str(hooked)}
    assert (await house.call("POST", f"{MINE}/triggers", json=hook)).status == 201
    assert (await house.call("POST", f"{MINE}/triggers", json=hook | {"name": "again"})).status == 409
    assert (await house.call("POST", f"{MINE}/triggers", json=hook | {"task_id": str(scheduled)})).status == 409
    nightly = {"name": "nightly", "kind": "cron", "task_id": str(hooked), "cron": {"expression": "0 3 * * *"}}
    assert (await house.call("POST", f"{MINE}/triggers", json=nightly)).status == 409


BAD: list[tuple[str, Any]] = [
    *(("threshold", value) for value in (0, -1, 10_001, 1.5, "2")),
    *(("duration_seconds", value) for value in (0, -1, 86_401, 1.5, "60")),
    *(("name", value) for value in ("", "a b", "a" * 101, "a/b", "tag#1", 7)),
]


async def bad_values_are_named(house: House) -> None:
    """E52."""
    task_id = str(await _task(house))
    for field, value in BAD:
        answer = await house.call("POST", f"{MINE}/triggers", json=WEBHOOK | {"task_id": task_id, field: value})
        assert answer.status == 400, (field, value)
        assert field in [error["field"] for error in answer.json["errors"]], (field, value)


async def of_two_edits_at_once_one_is_told(house: House) -> None:
    """E53."""
    trigger, _ = await house.trigger()
    path = f"{MINE}/triggers/{trigger.trigger_id}"
    seen = await house.call("GET", path)
    etag = seen.headers.get("ETag", "*")
    edited = WEBHOOK | {"task_id": str(trigger.task_id)}
    told = [
        (await house.call("PUT", path, json=edited | {"threshold": n}, headers={"If-Match": etag})).status
        for n in (3, 4)
    ]
    assert told == [200, 412]


async def two_thousand_calls_make_two_hundred_windows(house: House) -> None:
    """E56."""
    trigger, token = await house.trigger(threshold=10, seconds=1)
    left = iter(range(2_000))
    told: Counter[int] = Counter()

    async def send() -> None:
        for _ in left:
            sent = {"data": b'{"same":1}', "token": None, "headers": {"Content-Type": "application/json"}}
            told[(await house.call("POST", f"/t/{token}", **sent)).status] += 1

    await asyncio.gather(*(send() for _ in range(50)))
    assert told == {204: 2_000}
    executions = await house.executions(trigger)
    assert max(one["call_count"] for one in executions) == 10
    assert sum(one["call_count"] for one in executions) + await _open(house, trigger) == 2_000
    states = Counter(one["state"] for one in executions)
    assert (states["PENDING"], states["REJECTED"]) == (50, len(executions) - 50)
    assert len(executions) >= 200  # one more for each second that went by


async def a_lone_call_fires_after_the_duration(house: House) -> None:
    """E57."""
    trigger, token = await house.trigger(seconds=1)
    assert (await house.post(token)).status == 204
    [execution] = await eventually(lambda: house.executions(trigger), seconds=5)
    [window] = await _windows(house, trigger)
    assert (execution["call_count"], window["close_reason"]) == (1, "deadline")
    assert 0 <= (window["closed_at"] - window["deadline_at"]).total_seconds() <= 1
    assert len(await house.executions(trigger)) == 1


async def what_all_pods_left_behind_is_closed_at_the_next_start(house: House) -> None:
    """E58."""
    trigger, _ = await house.trigger()
    async with house.another() as (pod, call):
        lone, token = await house.trigger(threshold=10, seconds=1)
        sent = {"data": b"{}", "token": None, "headers": {"Content-Type": "application/json"}}
        assert {(await call("POST", f"/t/{token}", **sent)).status for _ in range(9)} == {204}
        await pod.kill()
    [execution] = await eventually(lambda: house.executions(lone), seconds=5)
    assert execution["call_count"] == 9
    assert await house.executions(trigger) == []


async def the_last_call_and_the_deadline_close_a_window_once(house: House) -> None:
    """E59."""
    hooks = [await house.trigger(threshold=2, seconds=1) for _ in range(8)]
    await asyncio.gather(*(house.post(token) for _, token in hooks))
    await asyncio.sleep(0.9)

    async def last(place: int, token: str) -> None:
        await asyncio.sleep(place * 0.025)
        assert (await house.post(token)).status == 204

    await asyncio.gather(*(last(place, token) for place, (_, token) in enumerate(hooks)))
    await asyncio.sleep(1.5)
    for trigger, _ in hooks:
        windows = await _windows(house, trigger)
        shapes = [(window["close_reason"], window["size"]) for window in windows]
        assert shapes in ([("threshold", 2)], [("deadline", 1), ("deadline", 1)]), shapes
        assert len(await house.executions(trigger)) == len(windows)


async def _task(house: House, **changes: Any) -> int:
    wish = pb.CreateTaskRequest(task=task_message(**changes))
    return (await house.service.triggers.CreateTask(wish, metadata=METADATA)).task.task_id


async def _windows(house: House, trigger: Trigger) -> list[Any]:
    return await house.service.pool.fetch(
        "select w.* from trigger.window w join trigger.trigger t using (trigger_id) where t.public_id = $1"
        " order by window_id",
        trigger.trigger_id,
    )


async def _open(house: House, trigger: Trigger) -> int:
    calls = await house.calls(trigger)
    windows = {window["window_id"] for window in await _windows(house, trigger) if window["closed_at"] is None}
    return len([call for call in calls if call["window_id"] in windows])


ROWS = (
    Row(number=50, case="a plan's parameter", check=a_plan_keeps_the_parameter_that_its_webhook_needs),
    Row(number=51, case="a webhook and others", check=a_webhook_stands_alone),
    Row(number=52, case="bad values", check=bad_values_are_named),
    Row(number=53, case="two edits at once", check=of_two_edits_at_once_one_is_told),
    Row(number=56, case="2,000 calls", check=two_thousand_calls_make_two_hundred_windows),
    Row(number=57, case="a lone call", check=a_lone_call_fires_after_the_duration),
    Row(number=58, case="all pods die", check=what_all_pods_left_behind_is_closed_at_the_next_start),
    Row(number=59, case="the same instant", check=the_last_call_and_the_deadline_close_a_window_once),
)
