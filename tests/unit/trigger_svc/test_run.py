"""What a runner's report means."""

import pytest

from chassis.errors import InvalidInput
from trigger_svc.run import ending, may_try_again


@pytest.mark.parametrize(
    ("exit_code", "reason", "state"),
    [
        (0, "", "SUCCEEDED"),
        (1, "command_failed", "FAILED"),
        (-9, "timed_out", "FAILED"),
        (None, "timed_out", "FAILED"),
        (None, "not_runnable", "FAILED"),
    ],
)
def test_code_and_reason_decide_the_state(exit_code: int | None, reason: str, state: str) -> None:
    ended = ending(exit_code, reason, "a word")
    assert (ended.state, ended.reason, ended.message) == (state, reason, "a word")


@pytest.mark.parametrize("summary", ["[]", "no JSON", '{"a": "' + "x" * 65_536 + '"}', '"\x00"', "[" * 60_000])
def test_a_summary_that_is_no_small_json_object_is_refused(summary: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ending(0, "", "", summary)
    assert [bad.field for bad in refused.value.fields] == ["summary"]
    assert ending(0, "", "", '{"nodes": 3}').summary == '{"nodes": 3}'


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
