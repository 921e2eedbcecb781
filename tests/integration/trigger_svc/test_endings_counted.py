"""Whatever ends an execution or a run is counted, and once: a birth that fails, a cancel, the end of a plan's time."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from tests.support.executions import Line
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, KEY_RING, call, pod
from trigger_svc.aftermath import Aftermath
from trigger_svc.cancel import cancel
from trigger_svc.configure_trigger import Configurer
from trigger_svc.rescuer import Rescuer

EXECUTIONS, RUNS = ("execution_finished_total", "state"), ("run_finished_total", "outcome")
LOSE_PARAMETER = "update trigger.task set parameters = '[]'"
EXPIRE = """
with head as (update trigger.head set deadline_at = opened_at where window_id is not null)
update trigger.window set deadline_at = opened_at where state = 'OPEN'
"""
TIME_IS_OVER = "update trigger.execution set deadline_at = clock_timestamp() where deadline_at is not null"


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    async with pod(database) as one:
        yield Line(pod=one)


def _counted() -> dict[str, float]:
    """What the metrics say of endings, by state and outcome; `timed` is how many runs have told how long they took."""
    values = {"timed": REGISTRY.get_sample_value("runhook_run_seconds_count") or 0.0}
    for (name, label), kinds in ((EXECUTIONS, ("FAILED", "CANCELLED")), (RUNS, ("cancelled", "timed_out"))):
        for kind in kinds:
            values[kind] = REGISTRY.get_sample_value(f"runhook_{name}", {label: kind}) or 0.0
    return values


def _more(before: dict[str, float]) -> dict[str, float]:
    """What was counted since."""
    return {name: value - before[name] for name, value in _counted().items() if value != before[name]}


async def test_an_execution_that_fails_at_birth_is_counted_whatever_closed_its_window(line: Line) -> None:
    trigger, token = await line.pod.trigger(threshold=2)
    await line.pool.execute(LOSE_PARAMETER)
    before = _counted()
    await line.pod.receive(call(token), call(token))
    assert _more(before) == {"FAILED": 1}
    await line.pod.receive(call(token))
    await line.pool.execute(EXPIRE)
    await line.pod.closer.tick()
    assert _more(before) == {"FAILED": 2}
    await line.pod.receive(call(token))
    nobody = Aftermath(sweep=lambda: None, acquire=lambda: None)
    await Configurer(line.pool, KEY_RING, line.pod.clock, nobody).flush(ACCOUNT, trigger.public_id)
    assert _more(before) == {"FAILED": 3}
    assert await line.states() == ["FAILED"] * 3


async def test_a_cancelled_run_is_counted_once_and_how_long_it_ran(line: Line) -> None:
    begun = await line.start(task_id=await line.task("a"))
    waiting = await line.start(task_id=await line.task("b"))
    await line.take("a")
    before = _counted()
    for one, timed in ((begun, 1), (waiting, 0)):
        assert one.execution_id is not None
        for _ in range(2):
            await cancel(line.pool, ACCOUNT, one.execution_id)
        assert _more(before) == {"CANCELLED": 1, "cancelled": 1} | ({"timed": 1} if timed else {})
        before = _counted()


async def test_the_runs_of_a_plan_whose_time_is_over_are_counted_and_those_that_ended_before_are_not(
    line: Line,
) -> None:
    first, *others = [await line.task(name) for name in "abc"]
    await line.start(plan_id=await line.plan([first], others))
    await line.run("a")
    await line.take("b")
    await line.pool.execute(TIME_IS_OVER)
    before = _counted()
    rescuer = Rescuer(line.pool, acquire=lambda: None, announce=lambda: None)
    for _ in range(2):
        await rescuer.tick()
    assert _more(before) == {"FAILED": 1, "timed_out": 1, "cancelled": 1, "timed": 1}
