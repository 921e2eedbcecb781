"""`runhook erasures`: stored bodies, taken out for good. Invariant: nothing is erased that was not named and confirmed."""

import sys
from typing import TYPE_CHECKING

import click

from cli.options import Id, Things, Time, connected
from cli.printer import Printer
from cli.shown import Column, moment, plain
from cli.watcher import follow, watched

if TYPE_CHECKING:
    from cli.api import Api, Record

IN_LISTS = (
    Column("ID", "erasure_id"),
    Column("STATE", "state"),
    Column("EVENT", "event_id", lambda value: plain(value or "all")),
    Column("BEFORE", "published_before", moment),
    Column("ERASED", "erased"),
    Column("CREATED", "created_at", moment),
)
ALONE = (*IN_LISTS, Column("FINISHED", "finished_at", moment))


@click.group(cls=Things)
def erasures() -> None:
    """Erasures: bodies of events and of answers, taken out of the platform for good."""


@erasures.command()
@click.option("--event", "event_id", type=Id(), metavar="ID", help="The bodies of this event.")
@click.option("--all", "everything", is_flag=True, help="The bodies of all of the account's events.")
@click.option("--before", type=Time(), metavar="TIME", help="With --all: of those published before this time.  [now]")
@click.option("--yes", is_flag=True, help="Do not ask.")
@watched
@connected
def start(
    api: "Api",
    printer: Printer,
    event_id: str | None,
    everything: bool,
    before: str | None,
    yes: bool,
    watch: bool,
) -> None:
    """Erase stored bodies: it cannot be undone or cancelled.

    Payloads and what endpoints answered go, the log of attempts stays. What was not delivered yet is not sent any more. It
    goes on by itself, whatever becomes of this command.
    """
    if (event_id is None) != everything or (before is not None and not everything):
        raise click.UsageError("--event ID, or --all with or without --before TIME")
    if not yes:
        _confirm(f"event {event_id}" if event_id else f"all events of account {api.account_id}", before)
    wish = {"event_id": event_id, "published_before": before}
    body = {key: value for key, value in wish.items() if value is not None}
    _show(api, printer, api.call("POST", f"{api.v1}/erasures", body=body), watch=watch)


@erasures.command("list")
@connected
def list_(api: "Api", printer: Printer) -> None:
    """List the account's erasures, newest first, at most 100."""
    found = api.call("GET", f"{api.v1}/erasures").get("erasures")
    printer.rows(found or [], IN_LISTS, none="no erasures")


@erasures.command()
@click.argument("erasure_id", type=Id())
@watched
@connected
def get(api: "Api", printer: Printer, erasure_id: str, watch: bool) -> None:
    """Show one erasure."""
    _show(api, printer, api.call("GET", f"{api.v1}/erasures/{erasure_id}"), watch=watch)


def _show(api: "Api", printer: Printer, erasure: "Record", *, watch: bool) -> None:
    if watch:
        path = f"{api.v1}/erasures/{erasure['erasure_id']}"
        erasure = follow(lambda: api.call("GET", path), lambda found: f"{found.get('erased')} events erased")
    printer.record(erasure, ALONE)


def _confirm(what: str, before: str | None) -> None:
    """Asks on stderr. Abort for no; UsageError where nobody can answer."""
    if not sys.stdin.isatty():
        raise click.UsageError("bodies are erased for good: confirm with --yes")
    published = f" that were published before {before}" if before else ""
    click.confirm(f"Erase the bodies of {what}{published} for good?", abort=True, err=True)
