"""What pages of executions and runs say of messages; and of summaries that any runner may have sent."""

import json
from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.console.executions import words
from gateway.console.executions.summary import MOST, summary_of
from gateway.console.executions.view import execution_view, run_view, task_ids_of
from gateway.console.names import Names
from runhook.trigger.v1.execution_pb2 import Execution, ExecutionState
from runhook.trigger.v1.run_pb2 import Run, RunState

NOW = datetime(2026, 1, 31, 19, 30, tzinfo=UTC)
NAMES = Names({5: "Load orders"}, {7: "Nightly"})
#: Of Execution.reason and Run.reason, as the protocol names them.
REASONS = (
    *("run_failed", "timed_out", "runner_lost", "queue_limit", "waited_too_long", "parameter_missing", "task_missing"),
    *("command_failed", "not_runnable"),
)


def at(second: int) -> Timestamp:
    return Timestamp(seconds=int(NOW.timestamp()) - 60 + second)


def test_every_state_of_the_protocol_has_a_word() -> None:
    assert set(words.EXECUTION_STATES) == set(ExecutionState.values()) - {ExecutionState.EXECUTION_STATE_UNSPECIFIED}
    assert set(words.RUN_STATES) == set(RunState.values()) - {RunState.RUN_STATE_UNSPECIFIED}


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_a_sentence(reason: str) -> None:
    assert words.explanation(reason).endswith(".")
    assert "_" not in words.explanation(reason).replace(words.PAYLOAD, "")


@pytest.mark.parametrize(
    ("state", "busy"),
    [
        (ExecutionState.EXECUTION_STATE_PENDING, True),
        (ExecutionState.EXECUTION_STATE_RUNNING, True),
        (ExecutionState.EXECUTION_STATE_SUCCEEDED, False),
        (ExecutionState.EXECUTION_STATE_FAILED, False),
        (ExecutionState.EXECUTION_STATE_CANCELLED, False),
        (ExecutionState.EXECUTION_STATE_REJECTED, False),
    ],
)
def test_a_page_renews_itself_until_its_execution_is_final(state: "ExecutionState.ValueType", busy: bool) -> None:
    assert execution_view(Execution(state=state), NAMES, NOW).busy is busy


def test_an_execution_under_way_counts_its_time_until_now() -> None:
    execution = Execution(task_id=5, create_time=at(0), cause="webhook", payload_bytes=2048)
    view = execution_view(execution, NAMES, NOW)
    assert (view.took, view.target.name, view.cause, view.payload_size) == (
        "1 min",
        "Load orders",
        "calls to its trigger",
        "2 KiB",
    )
    execution.finish_time.CopyFrom(at(2))
    assert execution_view(execution, NAMES, NOW).took == "2 s"


def test_only_a_failed_plan_can_be_run_again_from_its_failed_step() -> None:
    failed = ExecutionState.EXECUTION_STATE_FAILED
    assert execution_view(Execution(plan_id=7, state=failed), NAMES, NOW).failed_step
    assert not execution_view(Execution(task_id=5, state=failed), NAMES, NOW).failed_step
    cancelled = Execution(plan_id=7, state=ExecutionState.EXECUTION_STATE_CANCELLED)
    assert not execution_view(cancelled, NAMES, NOW).failed_step


def test_a_run_says_its_step_and_its_exit_code_where_it_has_them() -> None:
    assert (run_view(Run(), NAMES, NOW).step, run_view(Run(), NAMES, NOW).exit_code) == ("", "")
    assert run_view(Run(step=0), NAMES, NOW).step == "failure handler"
    assert run_view(Run(step=2, exit_code=0), NAMES, NOW).step == "2"
    assert run_view(Run(step=2, exit_code=0), NAMES, NOW).exit_code == "0"


def test_names_are_asked_for_once() -> None:
    execution = Execution(task_id=5, runs=[Run(task_id=5), Run(task_id=6)])
    assert task_ids_of([execution, execution]) == {5, 6}


def test_the_summary_of_dbt_is_told() -> None:
    node = {"name": "orders", "resource_type": "model", "path": "m.sql", "status": "error", "seconds": 1.5}
    said = {
        "preset": "dbt",
        "command": "build",
        "dbt_version": "1.11.0",
        "elapsed_seconds": 61,
        "counts": {"success": 3, "error": 1},
        "slowest": [node],
        "failed": [node | {"message": "<b>no</b>"}],
    }
    summary = summary_of(json.dumps(said))
    assert summary is not None
    assert (summary.preset, summary.version, summary.elapsed) == ("dbt", "1.11.0", "1 min 1 s")
    assert summary.counts == (("success", 3), ("error", 1))
    assert (summary.failed[0].name, summary.failed[0].message, summary.failed[0].took) == (
        "orders",
        "<b>no</b>",
        "1.5 s",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[1]",
        '{"counts": 5, "failed": 7, "slowest": "abc", "elapsed_seconds": "x"}',
        '{"counts": {"a": "b"}, "failed": [1, null, {}], "elapsed_seconds": -1}',
        '{"elapsed_seconds": 1e400, "failed": [{"name": 5, "seconds": {}}]}',
        '{"elapsed_seconds": true, "slowest": {"a": 1}}',
        "[" * 100_000,
    ],
)
def test_whatever_a_runner_says_the_page_stands(text: str) -> None:
    summary = summary_of(text)
    assert summary is None or summary.counts == ()


def test_half_a_surrogate_pair_in_a_summary_is_told_and_breaks_no_page() -> None:
    summary = summary_of('{"counts": {"\\ud800": 1}, "failed": [{"message": "\\udfff\\u202e"}]}')
    assert summary is not None
    shown = f"{summary.counts}{summary.failed}{summary.raw}".encode()
    assert (b"\\\\u202e" in shown, b"\\\\xed" in shown) == (True, True)


def test_a_summary_without_end_is_shown_up_to_one() -> None:
    summary = summary_of(json.dumps({"failed": [{"name": "x"}] * 1000}))
    assert summary is not None
    assert len(summary.failed) == MOST
