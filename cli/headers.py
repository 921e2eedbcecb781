"""`runhook subscriptions headers`: extra headers of deliveries. Invariant: their values are read, sent and never shown."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.files import read
from cli.options import Id, connected
from cli.printer import Printer
from cli.shown import Column

if TYPE_CHECKING:
    from cli.api import Api

_LINE = re.compile(r"([^\s:]+):\s*(.*)")


@click.command()
@click.argument("subscription_id", type=Id())
@click.option(
    "--set",
    "lines",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="One header; repeat it for several. Whoever sees this machine's processes sees it: a file is better.",
)
@click.option(
    "--set-file",
    "file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="File (- is stdin) with a line NAME: VALUE for each header, or a JSON object.",
)
@click.option("--clear", is_flag=True, help="Send no extra headers.")
@connected
def headers(
    api: "Api", printer: Printer, subscription_id: str, lines: tuple[str, ...], file: Path | None, clear: bool
) -> None:
    """List or replace extra headers.

    Without an option it lists their names. Each option replaces all of them. Values are never shown.
    """
    if bool(lines) + (file is not None) + clear > 1:
        raise click.UsageError("one of --set, --set-file and --clear")
    path = f"{api.v1}/subscriptions/{subscription_id}/headers"
    if lines or file is not None or clear:
        text = "\n".join(lines) if file is None else read(file)
        answer = api.call("PUT", path, body={"headers": {} if clear else parse(text)})
    else:
        answer = api.call("GET", path)
    printer.listed(answer, "names", [Column("HEADER", "")], none="no extra headers")


def parse(text: str) -> dict[str, str]:
    """Names and values of a JSON object or of lines. UsageError for anything else, and for none."""
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else _of_lines(text)
    except ValueError as error:
        raise click.UsageError(f"headers are lines NAME: VALUE, or a JSON object: {error}") from None
    if not found or not all(isinstance(value, str) for value in found.values()):
        raise click.UsageError("headers are lines NAME: VALUE, or a JSON object of strings; --clear takes all away")
    return dict(found)


def _of_lines(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        matched = _LINE.fullmatch(line.strip())
        if matched is None or matched[1] in found:
            raise ValueError(f"line {number} is none, or has a name that came before")
        found[matched[1]] = matched[2]
    return found
