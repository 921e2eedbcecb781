"""`runhook deliveries`: what became of events; one more try. Invariant: what an endpoint answered is shown, never obeyed."""

from typing import TYPE_CHECKING

import click

from cli import attempts
from cli.options import Id, Number, Things, Time, connected, limited
from cli.printer import Printer
from cli.shown import Column, moment, status_code
from cli.trouble import ExitCode, Trouble
from cli.watcher import follow

if TYPE_CHECKING:
    from cli.api import Api, Query, Record

STATES = ("PENDING", "DELIVERING", "SUCCEEDED", "FAILED", "CANCELLED")
ID = Column("ID", "delivery_id")
EVENT = Column("EVENT", "event_id")
EVENT_TYPE = Column("TYPE", "event_type")
JOB = Column("JOB", "job_id")
STATE = Column("STATE", "state")
TEST = Column("TEST", "test")
ATTEMPTS = Column("ATTEMPTS", "attempt_count")
LAST_STATUS = Column("STATUS", "last_status_code", status_code)
CREATED = Column("CREATED", "created_at", moment)
IN_LISTS = (ID, EVENT, EVENT_TYPE, JOB, STATE, TEST, ATTEMPTS, LAST_STATUS, CREATED)
ALONE = (
    ID,
    EVENT,
    EVENT_TYPE,
    Column("SUBSCRIPTION", "subscription_id"),
    JOB,
    STATE,
    Column("BECAUSE", "reason"),
    TEST,
    CREATED,
    Column("FINISHED", "finished_at", moment),
    Column("BODY", "body"),
)
#: What is final: no attempt follows unless somebody asks for one.
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


@click.group(cls=Things)
def deliveries() -> None:
    """Deliveries of the last 30 days: one event bound for one subscription."""


@deliveries.command("list")
@click.argument("subscription_id", type=Id())
@click.option("--state", type=click.Choice(STATES, case_sensitive=False), help="In this state alone.")
@click.option(
    "--after",
    type=Time(),
    metavar="TIME",
    help="Published at or after this time, such as 2026-11-30T12:00:00Z, or so long ago, such as 2h.",
)
@click.option("--before", type=Time(), metavar="TIME", help="Published before this time.")
@click.option("--event-type", metavar="TYPE", help="Of this event type alone, such as job.run.errored.")
@click.option("--job", "job_id", type=Number(), metavar="NUMBER", help="Of this job's events alone.")
@limited
@connected
def list_(
    api: "Api",
    printer: Printer,
    subscription_id: str,
    state: str | None,
    event_type: str | None,
    job_id: int | None,
    after: str | None,
    before: str | None,
    limit: int | None,
) -> None:
    """List a subscription's deliveries, newest first. A deleted one has its deliveries still."""
    wanted = {
        "subscription_id": subscription_id,
        "state": state,
        "event_type": event_type,
        "job_id": job_id,
        "published_after": after,
        "published_before": before,
    }
    query: Query = {key: value for key, value in wanted.items() if value is not None}
    found = api.all_of(f"{api.v1}/deliveries", "deliveries", query, limit)
    printer.rows(found, IN_LISTS, none="no such deliveries")


@deliveries.command()
@click.argument("delivery_id", type=Id())
@click.option("--attempt", "number", type=Number(), metavar="NUMBER", help="The attempt to show in full.  [the last]")
@connected
def get(api: "Api", printer: Printer, delivery_id: str, number: int | None) -> None:
    """Show one delivery: its body, its attempts, and one of them in full.

    How long each phase took, headers both ways (what is secret is masked), what came back or why nothing did.
    """
    _show(printer, api.call("GET", f"{api.v1}/deliveries/{delivery_id}"), number)


@deliveries.command()
@click.argument("delivery_id", type=Id())
@click.option("--wait", is_flag=True, help="Wait for the next attempt. Exit code 6 unless the endpoint took it.")
@connected
def redeliver(api: "Api", printer: Printer, delivery_id: str, wait: bool) -> int:
    """Deliver a finished one again.

    The same event id and the same bytes, on a schedule of retries that begins afresh. Not while it is under way, and not
    to a subscription that is inactive.
    """
    path = f"{api.v1}/deliveries/{delivery_id}"
    again = api.call("POST", f"{path}/redeliver")
    if not wait:
        printer.record(again, ALONE)
        return ExitCode.DONE
    before = int(again.get("attempt_count") or 0)
    found = follow(
        lambda: api.call("GET", path),
        lambda one: f"{one.get('state')}, {one.get('attempt_count')} attempts",
        lambda one: one.get("state") in FINAL or int(one.get("attempt_count") or 0) > before,
    )
    _show(printer, found, None)
    return ExitCode.DONE if found.get("state") == "SUCCEEDED" else ExitCode.ENDPOINT_FAILED


def _show(printer: Printer, delivery: "Record", number: int | None) -> None:
    made = delivery.get("attempts") or []
    if number is not None and number not in [one.get("number") for one in made]:
        raise Trouble(f"no attempt {number}: {len(made)} were made", ExitCode.NOT_FOUND)
    printer.record(delivery, ALONE)
    if printer.as_json:
        return
    click.echo()
    printer.rows(made, attempts.OVERVIEW, none="not attempted yet")
    for one in [one for one in made if number in (None, one.get("number"))][-1:]:
        printer.block(f"attempt {one.get('number')}", attempts.in_full(one))
