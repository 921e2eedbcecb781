"""What goes on is followed to its end, and said on stderr, a line for each change."""

import sys

import pytest

from cli import watcher
from cli.api import Record


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What it would have slept."""
    slept: list[float] = []
    monkeypatch.setattr("cli.watcher.time.sleep", slept.append)
    return slept


def follow(*states: str) -> Record:
    answers = iter({"state": state, "number": number // 2} for number, state in enumerate(states))
    return watcher.follow(lambda: next(answers), lambda found: f"\x1b{found['number']} done")


def test_it_ends_with_what_is_no_longer_running(pauses: list[float]) -> None:
    assert follow("RUNNING", "RUNNING", "FINISHED", "RUNNING") == {"state": "FINISHED", "number": 1}
    assert follow("CANCELLED") == {"state": "CANCELLED", "number": 0}
    follow(*["RUNNING"] * 20, "FINISHED")
    assert (pauses[0], pauses[-1]) == (watcher.FIRST_PAUSE, watcher.LONGEST_PAUSE)


def test_a_file_gets_a_line_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    follow("RUNNING", "RUNNING", "FINISHED")
    assert capsys.readouterr() == ("", "runhook: \\x1b0 done\nrunhook: \\x1b1 done\n")


def test_a_terminal_gets_one_line_that_goes_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    follow("RUNNING", "RUNNING", "FINISHED")
    said = capsys.readouterr()
    assert said.out == ""
    assert "\\x1b1 done" in said.err
    assert "runhook:" not in said.err
