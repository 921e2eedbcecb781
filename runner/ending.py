"""How a command ended, and what of that is told: a pure noun that turns an exit and the tail of an output into a
report.

Guards what leaves the runner: a message is at most 1,000 printable characters, its lines joined by " | ".
"""

import signal
from dataclasses import dataclass
from enum import StrEnum

LONGEST_MESSAGE = 1000
MOST_LINES = 12


class How(StrEnum):
    """What ended the command."""

    EXITED = "exited"  # by itself, or somebody killed it
    TIMED_OUT = "timed_out"  # the runner killed it: its time was over
    STOPPED = "stopped"  # the runner killed it: it was told to
    NOT_STARTED = "not_started"  # there was nothing to start, or the system refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """`exit_code` is None where it was killed or never started; `signal_number` is what killed it, 0 if nothing did."""

    how: How
    exit_code: int | None = None
    signal_number: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What FinishRun is told. `reason` is empty for a success, else command_failed, timed_out or not_runnable.

    `summary` is what a preset made of the results: JSON, or empty.
    """

    reason: str
    message: str
    exit_code: int | None = None
    summary: str = ""


def report_of(ending: Ending, output: bytes, timeout_seconds: float) -> Report:
    """The report of a command that was run, or could not be; `output` is the end of what it printed."""
    words = last_words(output, 1 if ending.exit_code == 0 else MOST_LINES)
    match ending.how:
        case How.NOT_STARTED:
            return Report(reason="not_runnable", message=printable(ending.problem))
        case How.TIMED_OUT:
            return Report(reason="timed_out", message=_join(f"killed after {timeout_seconds:g} s", words))
        case How.STOPPED:
            return Report(reason="command_failed", message=_join("runner was stopped", words))
    if ending.exit_code is None:
        problem = ending.problem or f"killed by {_signal_name(ending.signal_number)}"
        return Report(reason="command_failed", message=_join(problem, words))
    reason = "" if ending.exit_code == 0 else "command_failed"
    return Report(reason=reason, exit_code=ending.exit_code, message=words)


def last_words(output: bytes, most_lines: int) -> str:
    """The last non-empty lines, oldest first, joined by " | ": at most `most_lines`, and no more than fit a message."""
    kept: list[str] = []
    room = LONGEST_MESSAGE
    for raw in reversed(output.decode("utf-8", "replace").splitlines()):
        line = printable(raw)
        if not line:
            continue
        if len(kept) == most_lines or (kept and len(line) + 3 > room):
            break
        kept.append(line[:LONGEST_MESSAGE])
        room -= len(line) + 3
    return " | ".join(reversed(kept))


def printable(text: str) -> str:
    """`text` without terminal colours, other unprintable characters shown as "?", trimmed, cut at 1,000 characters."""
    shown = "".join(one if one.isprintable() else " " if one.isspace() else "?" for one in _without_colours(text))
    return shown.strip()[:LONGEST_MESSAGE]


def _without_colours(text: str) -> str:
    pieces = text.split("\x1b[")
    return pieces[0] + "".join(piece.partition("m")[2] if "m" in piece[:12] else piece for piece in pieces[1:])


def _join(problem: str, words: str) -> str:
    return f"{problem}: {words}"[:LONGEST_MESSAGE] if words else problem


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
