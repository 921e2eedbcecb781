"""Writes logs, artifacts and payloads. Invariant: a pipe and a file get the bytes, a terminal what cannot move its cursor."""

import sys
from codecs import getincrementaldecoder
from pathlib import Path

import click

from cli.printer import note
from cli.shown import printable

into = click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where it is written to.  [stdout]",
)


class Screen:
    """stdout, piece after piece. On a terminal control characters but line ends and tabs are written as escapes."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")(errors="backslashreplace")

    def show(self, piece: bytes) -> None:
        """The next bytes."""
        if not sys.stdout.isatty():
            click.echo(piece, nl=False)
            return
        text = self._decoder.decode(piece)
        click.echo("".join(one if one in "\n\t" else printable(one) for one in text), nl=False)


def deliver(content: bytes, file: Path | None) -> None:
    """Into the file, or to stdout; UsageError where the file cannot be written."""
    if file is None or str(file) == "-":
        Screen().show(content)
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        raise click.UsageError(f"cannot write {file}: {error.strerror or error}") from None
    note(f"{len(content):,} bytes in {file}")
