"""`runhook deliveries`: what became of events. Invariant: what an endpoint answered is shown, never obeyed."""

from typing import TYPE_CHECKING

import click

from cli.options import Id, connected, limited
from cli.printer import Printer
from cli.shown import Column, moment, status_code

if TYPE_CHECKING:
    from cli.api import Api, Query

STATES = ("PENDING", "DELIVERING", "SUCCEEDED", "FAILED", "CANCELLED")
ID = Column("ID", "delivery_id")
EVENT = Column("EVENT", "event_id")
EVENT_TYPE = Column("TYPE", "event_type")
JOB = Column("JOB", "job_id")
STATE = Column("STATE", "state")
ATTEMPTS = Column("ATTEMPTS", "attempt_count")
LAST_STATUS = Column("STATUS", "last_status_code", status_code)
CREATED = Column("CREATED", "created_at", moment)
IN_LISTS = (ID, EVENT, EVENT_TYPE, JOB, STATE, ATTEMPTS, LAST_STATUS, CREATED)
ALONE = (
    ID,
    EVENT,
    EVENT_TYPE,
    Column("SUBSCRIPTION", "subscription_id"),
    JOB,
    STATE,
    Column("BECAUSE", "reason"),
    Column("TEST", "test"),
    CREATED,
    Column("FINISHED", "finished_at", moment),
    Column("BODY", "body"),
)
OF_ATTEMPTS = (
    Column("NUMBER", "number"),
    Column("SENT", "sent_at", moment),
    Column("SECONDS", "duration_seconds"),
    Column("STATUS", "status_code", status_code),
    Column("ERROR", "error_message"),
    Column("ANSWER", "response_body"),
)


@click.group()
def deliveries() -> None:
    """Deliveries of the last 30 days: one event bound for one subscription."""


@deliveries.command("list")
@click.argument("subscription_id", type=Id())
@click.option("--state", type=click.Choice(STATES, case_sensitive=False), help="In this state alone.")
@click.option("--after", metavar="TIME", help="Published at or after this time, such as 2026-11-30T12:00:00Z.")
@click.option("--before", metavar="TIME", help="Published before this time.")
@limited
@connected
def list_(
    api: "Api",
    printer: Printer,
    subscription_id: str,
    state: str | None,
    after: str | None,
    before: str | None,
    limit: int | None,
) -> None:
    """List a subscription's deliveries, newest first. A deleted one has its deliveries still."""
    wanted = {
        "subscription_id": subscription_id,
        "state": state,
        "published_after": after,
        "published_before": before,
    }
    query: Query = {key: value for key, value in wanted.items() if value is not None}
    found = api.all_of(f"{api.v1}/deliveries", "deliveries", query, limit)
    printer.rows(found, IN_LISTS, none="no such deliveries")


@deliveries.command()
@click.argument("delivery_id", type=Id())
@connected
def get(api: "Api", printer: Printer, delivery_id: str) -> None:
    """Show one delivery: its body and its attempts."""
    found = api.call("GET", f"{api.v1}/deliveries/{delivery_id}")
    printer.record(found, ALONE)
    if not printer.as_json:
        printer.listed(found, "attempts", OF_ATTEMPTS, none="not attempted yet")
