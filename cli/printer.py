"""Writes what a command found: tables for people, one JSON document for scripts.

Invariant: stdout has the answer and nothing else; what is said beside it goes to stderr.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from cli.shown import NOTHING, Column, printable

Record = Mapping[str, Any]


class Printer:
    """Tables, or JSON if `as_json`."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def rows(self, records: Sequence[Record], columns: Sequence[Column], *, none: str) -> None:
        """One line per record; `none` is said when there is none."""
        if self.as_json:
            self.document(records)
        elif records:
            cells = [[column.show(record.get(column.key)) for column in columns] for record in records]
            _write([column.title for column in columns], cells)
        else:
            note(none)

    def listed(self, document: Record, key: str, columns: Sequence[Column], *, none: str) -> None:
        """A document whose one list is at `key`; a list of plain values has one column."""
        if self.as_json:
            self.document(document)
        else:
            found = document.get(key)
            items = found if isinstance(found, list) else []
            self.rows([one if isinstance(one, dict) else {columns[0].key: one} for one in items], columns, none=none)

    def record(self, record: Record, columns: Sequence[Column]) -> None:
        """One line per column; those without a value are left out."""
        if self.as_json:
            self.document(record)
        else:
            cells = [[column.title.lower(), column.show(record.get(column.key))] for column in columns]
            _write(None, [cell for cell in cells if cell[1] != NOTHING])

    def block(self, title: str, lines: Sequence[tuple[str, str]]) -> None:
        """More of a record below it: a title, then names and values. In JSON it is in the document already."""
        if not self.as_json and lines:
            click.echo(f"\n{printable(title)}")
            _write(None, [[name, printable(value)] for name, value in lines])

    def document(self, data: object) -> None:
        """The data as JSON, in ASCII, so that any text survives any terminal and pipe."""
        click.echo(json.dumps(data, indent=2))

    def secret(self, title: str, forms: Mapping[str, str]) -> None:
        """What is shown this once, in each of its forms. In JSON it is in the document already."""
        if not self.as_json:
            _write(None, [[name, printable(text)] for name, text in forms.items()])
        note(f"the {title} is not shown again: keep it now")


def note(line: str) -> None:
    """One line on stderr."""
    click.echo(f"runhook: {printable(line)}", err=True)


def may_colour() -> bool:
    """Whether stdout is a terminal whose owner has nothing against colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _write(titles: list[str] | None, rows: list[list[str]]) -> None:
    if sys.stdout.isatty():
        _draw(titles, rows)
        return
    lines = [titles, *rows] if titles else rows
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _draw(titles: list[str] | None, rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*(titles or ("", "")), box=None, pad_edge=False, show_header=titles is not None, padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = True  # ids are there to be copied
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)
