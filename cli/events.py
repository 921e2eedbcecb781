"""`runhook events`: facts about job runs, published. Invariant: an event's bytes go to the platform as they were given."""

import json
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from cli.options import connected
from cli.printer import Printer
from cli.shown import Column

if TYPE_CHECKING:
    from cli.api import Api

MOST_BYTES = 8 * 1024 * 1024


@click.group()
def events() -> None:
    """Events about job runs."""


@events.command()
@click.argument("file", type=click.File("rb"), default="-")
@connected
def publish(api: "Api", printer: Printer, file: BinaryIO) -> None:
    """Publish the events of FILE, or of stdin.

    FILE has what POST /api/v1/accounts/{id}/events takes, {"events": [...]}, or a single event. Events that all have a
    requestId are stored once, however often they are sent; without, a repeated call makes new events.
    """
    content, listed = batch(file.read(MOST_BYTES + 1))
    repeatable = all(isinstance(one, dict) and one.get("requestId") for one in listed)
    answer = api.call("POST", f"{api.v1}/events", content=content, repeatable=repeatable)
    printer.listed(answer, "eventIds", [Column("EVENT", "")], none="no events")


def batch(text: bytes) -> tuple[bytes, list[Any]]:
    """The body to send, and the events in it. UsageError for what is no JSON object, or too long."""
    if len(text) > MOST_BYTES:
        raise click.UsageError(f"more than {MOST_BYTES} bytes: publish in several calls")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"that is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.UsageError('the file must hold {"events": [...]} or a single event')
    if "events" not in found:
        return b'{"events":[' + text + b"]}", [found]
    return text, found["events"] if isinstance(found["events"], list) else []
