"""`runhook recoveries`: all that failed of a subscription, delivered again. Invariant: a dry run changes nothing."""

from typing import TYPE_CHECKING

import click

from cli.options import Id, Number, Things, Time, connected
from cli.printer import Printer
from cli.shown import Column, moment, plain
from cli.trouble import ExitCode
from cli.watcher import follow, watched

if TYPE_CHECKING:
    from cli.api import Api, Query, Record

#: What a dry run counts up to in each state.
MOST_COUNTED = 10_000
LOST = ("FAILED", "CANCELLED")
ID = Column("ID", "recovery_id")
IN_LISTS = (
    ID,
    Column("STATE", "state"),
    Column("FOUND", "found"),
    Column("REQUEUED", "requeued"),
    Column("SINCE", "published_after", moment),
    Column("UNTIL", "published_before", moment),
    Column("TYPE", "event_type", lambda value: plain(value or "all")),
    Column("JOB", "job_id", lambda value: plain(value or "all")),
    Column("CREATED", "created_at", moment),
)
ALONE = (ID, Column("SUBSCRIPTION", "subscription_id"), *IN_LISTS[1:], Column("FINISHED", "finished_at", moment))
WOULD = (Column("WOULD BE DELIVERED AGAIN", "found"), Column("COUNTED TO THE END", "complete"))


@click.group(cls=Things)
def recoveries() -> None:
    """Recoveries: all that failed of a subscription since a time, delivered again in the background."""


@recoveries.command()
@click.argument("subscription_id", type=Id())
@click.option(
    "--since",
    required=True,
    type=Time(),
    metavar="TIME",
    help="Published at or after this time, such as 2026-11-30T12:00:00Z, or so long ago, such as 2h.",
)
@click.option("--until", type=Time(), metavar="TIME", help="Published before this time.  [now]")
@click.option("--event-type", metavar="TYPE", help="Of this type alone, such as job.run.completed.")
@click.option("--job", "job_id", type=Number(), metavar="NUMBER", help="Of this job's events alone.")
@click.option(
    "--dry-run", is_flag=True, help=f"Count what there is, up to {MOST_COUNTED} in each state, and begin nothing."
)
@watched
@connected
def start(
    api: "Api",
    printer: Printer,
    subscription_id: str,
    since: str,
    until: str | None,
    event_type: str | None,
    job_id: int | None,
    dry_run: bool,
    watch: bool,
) -> int:
    """Deliver again what FAILED or was CANCELLED.

    The same event ids and the same bytes, oldest first. It goes on by itself, whatever becomes of this command; one runs
    at a time per subscription, which must be active.
    """
    if dry_run and watch:
        raise click.UsageError("--dry-run begins nothing that could be watched")
    wish = {"published_after": since, "published_before": until, "event_type": event_type, "job_id": job_id}
    body = {key: value for key, value in wish.items() if value is not None}
    if dry_run:
        printer.record(_would(api, subscription_id, body), WOULD)
        return ExitCode.DONE
    begun = api.call("POST", f"{api.v1}/subscriptions/{subscription_id}/recover", body=body)
    return _show(api, printer, begun, watch=watch)


@recoveries.command("list")
@click.argument("subscription_id", type=Id())
@connected
def list_(api: "Api", printer: Printer, subscription_id: str) -> None:
    """List a subscription's recoveries, newest first, at most 100."""
    found = api.call("GET", f"{api.v1}/subscriptions/{subscription_id}/recoveries").get("recoveries")
    printer.rows(found or [], IN_LISTS, none="no recoveries yet: runhook recoveries start --help")


@recoveries.command()
@click.argument("recovery_id", type=Id())
@watched
@connected
def get(api: "Api", printer: Printer, recovery_id: str, watch: bool) -> int:
    """Show one recovery. With --watch exit code 1 if it was cancelled."""
    return _show(api, printer, api.call("GET", f"{api.v1}/recoveries/{recovery_id}"), watch=watch)


@recoveries.command()
@click.argument("recovery_id", type=Id())
@connected
def cancel(api: "Api", printer: Printer, recovery_id: str) -> None:
    """End a recovery. What is back in the queue is delivered."""
    printer.record(api.call("DELETE", f"{api.v1}/recoveries/{recovery_id}"), ALONE)


def progress(recovery: "Record") -> str:
    """How far it is; what failed meanwhile may be more than was found."""
    requeued, found = int(recovery.get("requeued") or 0), int(recovery.get("found") or 0)
    share = f" ({min(100, 100 * requeued // found)} %)" if found else ""
    return f"{requeued} of {found} back in the queue{share}"


def _show(api: "Api", printer: Printer, recovery: "Record", *, watch: bool) -> int:
    if watch:
        path = f"{api.v1}/recoveries/{recovery['recovery_id']}"
        recovery = follow(lambda: api.call("GET", path), progress)
    printer.record(recovery, ALONE)
    return ExitCode.REFUSED if watch and recovery.get("state") == "CANCELLED" else ExitCode.DONE


def _would(api: "Api", subscription_id: str, wish: "Query") -> "Record":
    """How many a recovery would find now. Tests of the endpoint are not delivered again."""
    like: Query = {"subscription_id": subscription_id, **wish}
    listed = [api.all_of(f"{api.v1}/deliveries", "deliveries", like | {"state": state}, MOST_COUNTED) for state in LOST]
    found = [one for some in listed for one in some if not one.get("test")]
    return {"found": len(found), "complete": all(len(some) < MOST_COUNTED for some in listed)}
