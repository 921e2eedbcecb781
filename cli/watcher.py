"""Follows what goes on in the platform to its end. Invariant: progress goes to stderr; stdout has the end alone."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from cli.printer import note
from cli.shown import printable

if TYPE_CHECKING:
    from cli.api import Record

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 2.0

watched = click.option("--watch", is_flag=True, help="Show how it goes on until it has ended.")


def has_ended(found: "Record") -> bool:
    """Of what is RUNNING until it is something else."""
    return found.get("state") != "RUNNING"


def follow(
    read: Callable[[], "Record"], tell: Callable[["Record"], str], ended: Callable[["Record"], bool] = has_ended
) -> "Record":
    """What `read` answers once it has `ended`; `tell` says in a line how it stands. It has no end of its own."""
    pause = FIRST_PAUSE
    with _line() as say:
        while True:
            found = read()
            say(tell(found))
            if ended(found):
                return found
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)


@contextmanager
def _line() -> Iterator[Callable[[str], None]]:
    """Says a line: in place of the one before on a terminal, else below it if it is another one."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.text import Text

        with Console(stderr=True).status("") as status:
            yield lambda line: status.update(Text(printable(line)))
        return
    said = ""

    def say(line: str) -> None:
        nonlocal said
        if line != said:
            note(line)
        said = line

    yield say
