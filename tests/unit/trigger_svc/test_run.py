"""What a runner's report means."""

import pytest

from chassis.errors import InvalidInput
from trigger_svc.run import ending, may_try_again


@pytest.mark.parametrize(
    ("exit_code", "reason", "state", "execution_reason"),
    [
        (0, "", "SUCCEEDED", ""),
        (1, "command_failed", "FAILED", "run_failed"),
        (-9, "timed_out", "FAILED", "timed_out"),
        (None, "timed_out", "FAILED", "timed_out"),
        (None, "not_runnable", "FAILED", "run_failed"),
    ],
)
def test_code_and_reason_decide_the_state(
    exit_code: int | None, reason: str, state: str, execution_reason: str
) -> None:
    ended = ending(exit_code, reason, "a word")
    assert (ended.state, ended.reason, ended.execution_reason, ended.message) == (
        state,
        reason,
        execution_reason,
        "a word",
    )


@pytest.mark.parametrize(
    ("exit_code", "reason"),
    [(0, "command_failed"), (1, ""), (None, ""), (1, "runner_lost"), (1, "because")],
)
def test_a_report_that_contradicts_itself_is_refused(exit_code: int | None, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ending(exit_code, reason, "")
    assert [bad.field for bad in refused.value.fields] == ["reason"]


def test_a_failure_always_has_a_message_that_the_database_can_keep() -> None:
    assert ending(1, "command_failed", "").message == "the command failed"
    assert ending(1, "command_failed", "a\x00b" + "x" * 2000).message == "ab" + "x" * 998


@pytest.mark.parametrize(("attempts", "most", "again"), [(1, 1, False), (1, 2, True), (2, 2, False), (3, 10, True)])
def test_a_lost_run_is_tried_again_while_attempts_are_left(attempts: int, most: int, again: bool) -> None:
    assert may_try_again(attempts, most) is again
