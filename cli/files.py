"""Reads small files that options name. Invariant: more than the platform takes is never read whole."""

from pathlib import Path

import click

#: A character more than the largest of them may have, so that the platform sees that it is too large.
MOST = 65_537


def read_bytes(file: Path, most: int) -> bytes:
    """The file's bytes, - being stdin. UsageError when it cannot be read or has more than `most`."""
    try:
        with click.open_file(str(file), "rb") as stream:
            content: bytes = stream.read(most + 1)
    except OSError as error:
        raise click.UsageError(f"cannot read {file}: {error.strerror or error}") from None
    if len(content) > most:
        raise click.UsageError(f"{file} has more than {most:,} bytes")
    return content


def read(file: Path) -> str:
    """The file's text, - being stdin. UsageError when it cannot be read."""
    try:
        with click.open_file(str(file), encoding="utf-8") as stream:
            text: str = stream.read(MOST)
            return text
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot read {file}: {error}") from None
