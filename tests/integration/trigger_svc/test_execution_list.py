"""Lists of executions: those for which all holds that is asked, newest first, page by page, and no other account's."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from chassis.errors import InvalidInput
from tests.support.executions import Line, limit
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, KEY_RING, call, new_trigger, pod
from trigger_svc import look_up
from trigger_svc.create_trigger import create_trigger
from trigger_svc.execution import Wanted


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    async with pod(database) as one:
        yield Line(pod=one)


async def _listed(line: Line, account_id: int = ACCOUNT, **wanted: Any) -> list[int]:
    """The keys of all pages of two."""
    keys: list[int] = []
    token = ""
    while True:
        page, token = await look_up.list_executions(
            line.pool, account_id, Wanted(**wanted), page_size=2, page_token=token
        )
        keys += [one.key for one in page]
        if not token:
            return keys


async def test_a_list_shows_those_for_which_all_holds_that_is_asked(line: Line) -> None:
    task_id = await line.task("a", queue_limit=limit(3, count="rolling"))
    plan_id = await line.plan([task_id])
    made, token = await create_trigger(line.pool, KEY_RING, line.pod.clock, new_trigger(task_id=task_id, threshold=1))
    for _ in range(2):
        await line.pod.receive(call(token))
        await line.run("a")
    await line.start(task_id=task_id)  # waits
    await line.start(task_id=task_id)  # is rejected
    await line.start(plan_id=plan_id)
    await line.pod.receive(call(token))  # is rejected
    keys = [row["execution_id"] for row in await line.executions()]
    first, second, waiting, rejected, planned, too_many = keys
    windows = [row["window_id"] for row in await line.pod.windows()]
    by = made.public_id

    assert await _listed(line) == keys[::-1]
    assert await _listed(line, task_id=task_id) == [too_many, rejected, waiting, second, first]
    assert await _listed(line, plan_id=plan_id) == [planned]
    assert await _listed(line, trigger_id=by) == [too_many, second, first]
    assert await _listed(line, window_id=windows[1]) == [second]
    assert await _listed(line, state="PENDING") == [planned, waiting]
    assert await _listed(line, state="REJECTED") == [too_many, rejected]
    assert await _listed(line, state="REJECTED", task_id=task_id) == [too_many, rejected]
    assert await _listed(line, state="PENDING", plan_id=plan_id) == [planned]
    assert await _listed(line, state="REJECTED", trigger_id=by) == [too_many]
    assert await _listed(line, state="SUCCEEDED", trigger_id=by, task_id=task_id) == [second, first]
    assert await _listed(line, window_id=windows[0], state="SUCCEEDED", trigger_id=by, task_id=task_id) == [first]
    nothing: list[dict[str, Any]] = [
        {"state": "RUNNING"},
        {"trigger_id": by, "plan_id": plan_id},
        {"trigger_id": "trg_" + 27 * "0"},
        {"window_id": windows[0], "state": "FAILED"},
        {"window_id": windows[0], "plan_id": plan_id},
        {"window_id": 2**63 - 1},
        {"task_id": plan_id + 1000},
    ]
    for wanted in nothing:
        assert await _listed(line, **wanted) == [], wanted
    for wanted in ({}, {"task_id": task_id}, {"trigger_id": by}, {"window_id": windows[0]}, {"state": "PENDING"}):
        assert await _listed(line, ACCOUNT + 1, **wanted) == [], wanted
    assert await _listed(line, ACCOUNT + 1, state="PENDING", task_id=task_id) == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"task_id": 1, "plan_id": 1}, "plan_id"),
        ({"task_id": -1, "state": "FAILED"}, "task_id"),
        ({"window_id": -1}, "window_id"),
        ({"trigger_id": "trg_1"}, "trigger_id"),
        ({"state": "99"}, "state"),
    ],
)
async def test_what_no_execution_can_be_is_no_question(line: Line, wanted: dict[str, Any], field: str) -> None:
    """The symptom: a task below 0 with a state was read as the plan of that number."""
    with pytest.raises(InvalidInput) as caught:
        await _listed(line, **wanted)
    assert [bad.field for bad in caught.value.fields] == [field]
