"""Reads small files that options name. Invariant: more than the platform takes is never read whole."""

from pathlib import Path

import click

#: A character more than the largest of them may have, so that the platform sees that it is too large.
MOST = 65_537


def read(file: Path) -> str:
    """The file's text, - being stdin. UsageError when it cannot be read."""
    try:
        with click.open_file(str(file), encoding="utf-8") as stream:
            text: str = stream.read(MOST)
            return text
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot read {file}: {error}") from None
