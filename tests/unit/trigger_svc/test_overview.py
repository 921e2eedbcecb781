"""How an overview says why an execution came to nothing."""

import doctest

import pytest

from trigger_svc import overview
from trigger_svc.overview import explanation


def test_examples_say_the_truth() -> None:
    assert doctest.testmod(overview) == (0, 3)


@pytest.mark.parametrize(
    ("reason", "run_reason", "exit_code", "message", "said"),
    [
        ("run_failed", "command_failed", 1, "", "The command ended with exit code 1."),
        (
            "run_failed",
            "not_runnable",
            None,
            "no such command",
            "The runner could not start the command: no such command",
        ),
        ("run_failed", "command_failed", None, "", "A run of it failed."),
        ("timed_out", "timed_out", None, "killed", "It took longer than it may: killed"),
        ("waited_too_long", "", None, "", "It waited for its turn for longer than it may."),
    ],
)
def test_every_end_has_its_sentence(
    reason: str, run_reason: str, exit_code: int | None, message: str, said: str
) -> None:
    assert explanation(reason, run_reason, exit_code, message) == said
