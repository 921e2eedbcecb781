"""What is reported of a command that ended."""

import pytest

from runner.ending import LONGEST_MESSAGE, Ending, How, Report, last_words, printable, report_of


@pytest.mark.parametrize(
    ("ending", "output", "report"),
    [
        (
            Ending(how=How.EXITED, exit_code=0),
            b"one\ntwo\n\n",
            Report(reason="", exit_code=0, message="two"),
        ),
        (
            Ending(how=How.EXITED, exit_code=2),
            b"one\ntwo\n",
            Report(reason="command_failed", exit_code=2, message="one | two"),
        ),
        (
            Ending(how=How.EXITED, signal_number=9),
            b"one\n",
            Report(reason="command_failed", message="killed by SIGKILL: one"),
        ),
        (
            Ending(how=How.EXITED, problem="its launcher was killed"),
            b"",
            Report(reason="command_failed", message="its launcher was killed"),
        ),
        (
            Ending(how=How.TIMED_OUT, signal_number=15),
            b"one",
            Report(reason="timed_out", message="killed after 90 s: one"),
        ),
        (
            Ending(how=How.STOPPED, signal_number=15),
            b"",
            Report(reason="command_failed", message="runner was stopped"),
        ),
        (
            Ending(how=How.NOT_STARTED, problem="x cannot be started: Exec format error"),
            b"",
            Report(reason="not_runnable", message="x cannot be started: Exec format error"),
        ),
    ],
)
def test_every_ending_has_one_report(ending: Ending, output: bytes, report: Report) -> None:
    assert report_of(ending, output, 90) == report


def test_last_words_are_printable_whole_lines_that_fit_a_message() -> None:
    assert last_words(b"\x1b[31mred\x1b[0m\ttext\x07\xff\n \n", 3) == "red text?\N{REPLACEMENT CHARACTER}"
    assert last_words(b"x" * 5_000, 3) == "x" * LONGEST_MESSAGE
    assert last_words(b"a" * 600 + b"\n" + b"b" * 600, 3) == "b" * 600
    assert last_words(b"", 3) == ""
    assert len(last_words(b"line\n" * 1_000, 1_000)) <= LONGEST_MESSAGE


def test_whatever_is_printed_a_report_holds_at_most_1000_printable_characters() -> None:
    for problem in ("\r\n" * 900, "\u202e\x00" * 900, "é" * 2_000):
        message = report_of(Ending(how=How.NOT_STARTED, problem=problem), b"", 1).message
        assert len(message) <= LONGEST_MESSAGE
        assert message.isprintable()
    assert printable("\x1b[1;31mbold\x1b[m \x1b[") == "bold"
