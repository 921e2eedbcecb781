"""`runhook overview`: how an account's deliveries, windows and runs do. Invariant: what a token may not see is said to miss."""

from typing import TYPE_CHECKING, Any

import click

from cli.options import connected
from cli.printer import Printer, note
from cli.shown import NOTHING, Column, moment, plain
from cli.trouble import ExitCode, Trouble

if TYPE_CHECKING:
    from cli.api import Api, Record

HALVES = ("deliveries", "triggers")
OUT = (
    Column("SINCE", "since", moment),
    Column("DELIVERED", "succeeded"),
    Column("FAILED", "failed"),
    Column("CANCELLED", "cancelled"),
    Column("SUCCESS", "success"),
    Column("ANSWERED P50", "answer_p50_seconds", lambda value: seconds(value)),
    Column("ANSWERED P95", "answer_p95_seconds", lambda value: seconds(value)),
    Column("DUE NOW", "due_count"),
    Column("OLDEST DUE", "oldest_due_at", moment),
    Column("IN TROUBLE", "trouble_count"),
)
IN = (
    Column("OPEN WINDOWS", "open_window_count"),
    Column("EXECUTIONS WAITING", "pending_execution_count"),
    Column("OLDEST WAITING", "oldest_pending_at", moment),
    Column("EXECUTIONS RUNNING", "running_execution_count"),
    Column("RUNS RUNNING", "running_run_count"),
    Column("RUNS FOR A RUNNER", "free_run_count"),
)
TROUBLES = (
    Column("IN TROUBLE", "subscription_id"),
    Column("NAME", "name"),
    Column("DEACTIVATED", "deactivate_reason"),
    Column("HELD BACK UNTIL", "held_until", moment),
)
LOST_DELIVERIES = (
    Column("DELIVERY", "delivery_id"),
    Column("SUBSCRIPTION", "subscription_name"),
    Column("TEST", "test"),
    Column("FINISHED", "finished_at", moment),
    Column("WHY", "explanation"),
)
LOST_EXECUTIONS = (
    Column("EXECUTION", "execution_id"),
    Column("OF", "target_name"),
    Column("FINISHED", "finished_at", moment),
    Column("WHY", "explanation"),
)
PODS = (
    Column("SERVING", "name"),
    Column("SINCE", "started_at", moment),
    Column("HEARD OF", "heartbeat_at", moment),
    Column("RUNNERS", "runners", lambda value: plain([one.get("name") for one in value or []])),
)


@click.command()
@connected
def overview(api: "Api", printer: Printer) -> None:
    """Show how an account does: the last hour's deliveries, what waits, what failed and why, who serves."""
    seen = {half: _half(api, half) for half in HALVES}
    withheld = [(half, found) for half, found in seen.items() if isinstance(found, Trouble)]
    if len(withheld) == len(HALVES):
        raise withheld[0][1]
    for half, _ in withheld:
        note(f"this token may not see the account's {half}")
    told = {half: None if isinstance(found, Trouble) else found for half, found in seen.items()}
    if printer.as_json:
        printer.document(told)
    else:
        _show(printer, told["deliveries"], told["triggers"])


def success(total: "Record") -> str:
    """The share of what was sent that was delivered.

    >>> success({"succeeded": 199, "failed": 1}), success({"succeeded": 0, "failed": 0})
    ('99.5 %', '-')
    """
    sent = int(total.get("succeeded") or 0) + int(total.get("failed") or 0)
    return f"{100 * int(total.get('succeeded') or 0) / sent:.4g} %" if sent else NOTHING


def seconds(value: Any) -> str:
    """A length of time, "-" for none."""
    return NOTHING if value is None else f"{value:.3f} s"


def _half(api: "Api", half: str) -> "Record | Trouble":
    """One of the two halves, or that the token may not see it."""
    try:
        return api.call("GET", f"{api.v1}/overview/{half}")
    except Trouble as trouble:
        if trouble.code != ExitCode.NOT_ALLOWED:
            raise
        return trouble


def _show(printer: Printer, sent: "Record | None", gathered: "Record | None") -> None:
    if sent:
        printer.record({**sent, **sent["total"], "success": success(sent["total"])}, OUT)
        if not sent["whole_hour"]:
            note("there were too many deliveries to count the whole hour: these are the newest")
    if gathered:
        printer.record(gathered, IN)
    tables = (
        (sent, "troubles", TROUBLES),
        (sent, "losses", LOST_DELIVERIES),
        (gathered, "losses", LOST_EXECUTIONS),
        ({"pods": [*(sent or {}).get("pods", []), *(gathered or {}).get("pods", [])]}, "pods", PODS),
    )
    for half, key, columns in tables:
        if half and half[key]:
            click.echo()
            printer.rows(half[key], columns, none="")
