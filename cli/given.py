"""Options whose values have a form of their own: name=value, a value or a file. Invariant: what was not typed is None."""

import re
from pathlib import Path
from typing import Any

import click

from cli import files

_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}")


class Pair(click.ParamType[tuple[str, str]]):
    """name=value. Without a = the value is empty."""

    name = "pair"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The two of them."""
        if isinstance(value, tuple):
            return value
        name, _, text = str(value).partition("=")
        if not name:
            self.fail("must be NAME=VALUE", param, ctx)
        return name, text


class FileName(click.ParamType[str]):
    """An artifact's name as it stands in a URL's path: nothing that would lead to another path."""

    name = "file name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself."""
        if not _FILE_NAME.fullmatch(str(value)):
            self.fail("a name has letters, digits, dots, - and _ only", param, ctx)
        return str(value)


def only_one(**said: Any) -> None:
    """UsageError unless exactly one of the options was typed; `task_id` is --task, `data` is --data."""
    named = [name for name, value in said.items() if value is not None]
    if len(named) != 1:
        every = " or ".join(f"--{name.removesuffix('_id')}" for name in said)
        raise click.UsageError(f"{every}: one of them")


def text_of(data: str | None, file: Path | None, most: int) -> bytes:
    """What --data or --file says, nothing for neither. UsageError for both."""
    if data is not None and file is not None:
        raise click.UsageError("--data or --file, not both")
    return files.read_bytes(file, most) if file is not None else (data or "").encode()
