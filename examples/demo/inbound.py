"""Inbound: calls are gathered in windows, each window starts one real `dbt build`, and its events go out."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from examples.demo.payload import EVENT_TYPES
from examples.demo.shop import BAD_CALL, GOOD_CALLS, TASK, order_updates
from examples.demo.stage import Stage, Wish
from examples.demo.trigger import Trigger

DURATION_SECONDS = 5
BUILD_SECONDS = 120.0
AT_ONCE_SECONDS = 5.0
PATH = "/runs"


def inbound(stage: Stage, warehouse: Path) -> None:
    """The journey of calls to a run, and of the run's events to the receiver."""
    stage.story.step(f"Inbound: a task, and a trigger for 2 calls or {DURATION_SECONDS} s after the first")
    trigger = Trigger(stage, TASK, threshold=2, seconds=DURATION_SECONDS)
    stage.subscribe(Wish(PATH, EVENT_TYPES, trigger.task_id))
    two_calls(stage, trigger, warehouse)
    one_bad_call(stage, trigger)


def two_calls(stage: Stage, trigger: Trigger, warehouse: Path) -> None:
    """The window is full at once, its build succeeds."""
    story = stage.story
    story.step("Two calls within the window start one dbt build")
    called_at = trigger.call(*GOOD_CALLS)
    execution = trigger.newest_execution(1, DURATION_SECONDS)
    check_window(stage, trigger.newest_window(), reason="threshold", size=2)
    ending = ["job.run.started Running 3", "job.run.completed Success 10"]
    run = check_run(stage, trigger, execution, called_at, ending)
    story.check("dbt's exit code", expected=0, came=run["exit_code"])
    rows = order_updates(warehouse)
    story.say("fct_order_updates, as dbt built it:")
    for number, order_id, before, now in rows:
        story.say(f"  call {number}: order {order_id} was {before}, is {now}")
    read = [f"{order_id} {now}" for _, order_id, _, now in rows]
    called = [f"{call['order_id']} {call['status']}" for call in GOOD_CALLS]
    story.check("what dbt read of the calls, in their order", expected=called, came=read)


def one_bad_call(stage: Stage, trigger: Trigger) -> None:
    """The window closes by time, its build fails."""
    story = stage.story
    story.step(f"A third call, alone, waits {DURATION_SECONDS} s; what it says makes a model fail")
    called_at = trigger.call(BAD_CALL)
    story.check("the window after the call", expected="OPEN", came=trigger.newest_window()["state"])
    execution = trigger.newest_execution(2, DURATION_SECONDS + 10)
    waited = time.time() - called_at
    window = trigger.newest_window()
    check_window(stage, window, reason="deadline", size=1)
    late = moment(window["closed_at"]) - moment(window["deadline_at"])
    story.say(f"its execution came {waited:.2f} s after the call; the window closed {late:.3f} s after its deadline")
    story.check("not before its time", expected=True, came=waited >= DURATION_SECONDS and late >= 0)
    ending = ["job.run.started Running 3", "job.run.errored Errored 20", "job.run.completed Errored 20"]
    run = check_run(stage, trigger, execution, called_at, ending)
    story.check("dbt's exit code", expected=1, came=run["exit_code"])
    waits = [
        one.at - moment(run["finished_at"])
        for one in stage.delivered_to(PATH)
        if one.event["eventType"] == "job.run.errored"
    ]
    at_once = [wait < AT_ONCE_SECONDS for wait in waits]
    story.check("job.run.errored came at once when the run had ended", expected=[True], came=at_once)


def check_window(stage: Stage, window: dict[str, Any], *, reason: str, size: int) -> None:
    """A closed window: why, and how many calls it holds."""
    stage.story.check("why the window closed", expected=reason, came=window["close_reason"])
    stage.story.check("calls in it", expected=size, came=window["size"])


def check_run(
    stage: Stage, trigger: Trigger, execution: dict[str, Any], called_at: float, expected: list[str]
) -> dict[str, Any]:
    """Waits for the events of the execution's one run and judges them; the run when all is over."""
    stage.story.check("runs of the execution", expected=1, came=len(execution["runs"]))
    run_id = execution["runs"][0]["run_id"]
    stage.story.say(f"execution {execution['execution_id']}, run {run_id}: waiting for dbt")
    for line in expected:
        stage.happen(line.split()[0], trigger.task_id, run_id)
    stage.check_deliveries(called_at, BUILD_SECONDS)
    events = [one.event for one in stage.delivered_to(PATH) if one.event["data"]["runId"] == run_id]
    events.sort(key=lambda event: moment(event["timestamp"]))  # no order of arrival is promised
    told = [f"{one['eventType']} {one['data']['runStatus']} {one['data']['runStatusCode']}" for one in events]
    stage.story.check("the run's events, by their time", expected=expected, came=told)
    run = trigger.run(run_id)
    stage.story.say("dbt said:")
    for line in run["message"].split(" | "):
        stage.story.say(f"  {line}")
    return run


def moment(text: str) -> float:
    """An RFC 3339 time as unix seconds."""
    return datetime.fromisoformat(text).timestamp()
