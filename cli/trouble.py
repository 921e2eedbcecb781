"""How a command fails: an exit code with a meaning, and a line that says what to do. Invariant: nobody sees a traceback."""

from collections.abc import Sequence
from enum import IntEnum
from typing import IO, Any

import click

from cli.shown import printable


class ExitCode(IntEnum):
    """What a script may rely on; docs/cli.md and --help name all of them."""

    DONE = 0
    REFUSED = 1
    CALLED_WRONGLY = 2
    NOT_FOUND = 3
    NOT_ALLOWED = 4
    AWAY = 5
    ENDPOINT_FAILED = 6
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.REFUSED: "the platform refused the request, or it did not work out",
    ExitCode.CALLED_WRONGLY: "called wrongly: an option, an argument or a setting",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.NOT_ALLOWED: "no token, a wrong one, or one that may not do this",
    ExitCode.AWAY: "the platform is away: refused connection, no answer in time, 5xx, 429 to the end",
    ExitCode.ENDPOINT_FAILED: "the endpoint failed its test, or what was delivered again",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}


class Trouble(click.ClickException):
    """Ends a command. `fields` are (path, sentence) of what was wrong in a request; what others wrote is made printable."""

    def __init__(
        self, line: str, code: ExitCode, *, fields: Sequence[tuple[str, str]] = (), request_id: str = ""
    ) -> None:
        super().__init__(line)
        self.code = code
        self.exit_code = int(code)  # type: ignore[misc]  # click's is for a whole class, ours for one error
        self.fields = tuple(fields)
        self.request_id = request_id

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line, then the bad fields and the request's id below it."""
        lines = [f"runhook: {self.message}", *(f"  {path}: {sentence}" for path, sentence in self.fields)]
        if self.request_id:
            lines.append(f"  request id {self.request_id}")
        for line in lines:
            click.echo(printable(line), file=file, err=True)
