"""`runhook executions`: what windows, schedules and hands set going. Invariant: a start that is sent twice starts once."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from cli.downloads import deliver, into
from cli.given import Pair, only_one, text_of
from cli.options import Id, Number, Things, connected, limited
from cli.printer import Printer
from cli.shown import Column, moment
from cli.trouble import ExitCode
from cli.watcher import follow, watched

if TYPE_CHECKING:
    from cli.api import Api, Query, Record

MOST_PAYLOAD_BYTES = 8 * 1024 * 1024
UNFINISHED = ("PENDING", "RUNNING")
STATES = (*UNFINISHED, "SUCCEEDED", "FAILED", "CANCELLED", "REJECTED")
ID = Column("ID", "execution_id")
TASK = Column("TASK", "task_id")
PLAN = Column("PLAN", "plan_id")
CAUSE = Column("CAUSE", "cause")
STATE = Column("STATE", "state")
BECAUSE = Column("BECAUSE", "reason")
CALLS = Column("CALLS", "call_count")
CREATED = Column("CREATED", "created_at", moment)
FINISHED = Column("FINISHED", "finished_at", moment)
IN_LISTS = (ID, TASK, PLAN, CAUSE, STATE, BECAUSE, CALLS, CREATED, FINISHED)
ALONE = (
    ID,
    TASK,
    PLAN,
    Column("TRIGGER", "trigger_id"),
    Column("WINDOW", "window_id"),
    CAUSE,
    Column("RERUN OF", "rerun_of"),
    STATE,
    BECAUSE,
    CALLS,
    Column("PAYLOAD BYTES", "payload_bytes"),
    CREATED,
    FINISHED,
)
RUNS = (
    Column("RUN", "run_id"),
    Column("STEP", "step"),
    TASK,
    STATE,
    BECAUSE,
    Column("EXIT CODE", "exit_code"),
    Column("MESSAGE", "message"),
    FINISHED,
)


@click.group(cls=Things)
def executions() -> None:
    """Executions of tasks and plans, each with its runs."""


@executions.command()
@click.option("--task", "task_id", type=Number(), metavar="NUMBER", help="The task to start.")
@click.option("--plan", "plan_id", type=Number(), metavar="NUMBER", help="The plan to start.")
@click.option(
    "--parameter",
    "parameters",
    type=Pair(),
    multiple=True,
    metavar="NAME=VALUE",
    help="In place of a declared default; repeat it for several.",
)
@click.option("--data", metavar="TEXT", help="The payload, resource_webhook_payload, to the letter.")
@click.option("--file", type=click.Path(path_type=Path), metavar="FILE", help="The same from a file, - being stdin.")
@click.option("--reason", metavar="TEXT", help="Why, for people: goes out as runReason.")
@click.option("--request-id", metavar="TEXT", help="The same for a day: the same execution.  [a random one]")
@watched
@connected
def start(
    api: "Api",
    printer: Printer,
    task_id: int | None,
    plan_id: int | None,
    parameters: tuple[tuple[str, str], ...],
    data: str | None,
    file: Path | None,
    reason: str | None,
    request_id: str | None,
    watch: bool,
) -> int:
    """Start a task or a plan by hand.

    Exit code 1 when the queue limit has it REJECTED; with --watch unless it SUCCEEDED.
    """
    only_one(task_id=task_id, plan_id=plan_id)
    try:
        payload = text_of(data, file, MOST_PAYLOAD_BYTES).decode()
    except UnicodeDecodeError:
        raise click.UsageError("the payload must be UTF-8") from None
    body = {
        "task_id": str(task_id or 0),
        "plan_id": str(plan_id or 0),
        "parameters": dict(parameters),
        "payload": payload,
        "reason": reason or "",
        "request_id": request_id or uuid4().hex,
    }
    begun = api.call("POST", f"{api.v1}/executions", body=body, repeatable=True)
    return _begun(api, printer, begun, watch=watch)


@executions.command("list")
@click.option("--task", "task_id", type=Number(), metavar="NUMBER", help="Of this task, not as part of a plan.")
@click.option("--plan", "plan_id", type=Number(), metavar="NUMBER", help="Of this plan.")
@click.option("--trigger", "trigger_id", type=Id(), metavar="ID", help="Of this trigger, with their reruns.")
@click.option("--window", "window_id", type=Number(), metavar="NUMBER", help="Of this window.")
@click.option("--state", type=click.Choice(STATES, case_sensitive=False), help="In this state alone.")
@limited
@connected
def list_(
    api: "Api",
    printer: Printer,
    task_id: int | None,
    plan_id: int | None,
    trigger_id: str | None,
    window_id: int | None,
    state: str | None,
    limit: int | None,
) -> None:
    """List the account's executions, newest first: those for which all holds that is given."""
    asked = {
        "task_id": task_id,
        "plan_id": plan_id,
        "trigger_id": trigger_id,
        "window_id": window_id,
        "state": state,
    }
    query: Query = {name: value for name, value in asked.items() if value}
    found = api.all_of(f"{api.v1}/executions", "executions", query, limit)
    printer.rows(found, IN_LISTS, none="no executions")


@executions.command()
@click.argument("execution_id", type=Id())
@watched
@connected
def get(api: "Api", printer: Printer, execution_id: str, watch: bool) -> int:
    """Show one execution with its runs. With --watch exit code 1 unless it SUCCEEDED."""
    return show(api, printer, api.call("GET", _path(api, execution_id)), watch=watch)


@executions.command()
@click.argument("execution_id", type=Id())
@click.option("--from-failed-step", is_flag=True, help="Of a plan: begin at the step that failed.")
@watched
@connected
def rerun(api: "Api", printer: Printer, execution_id: str, from_failed_step: bool, watch: bool) -> int:
    """Execute a finished one again, with the identical payload."""
    body = {"from_failed_step": from_failed_step}
    again = api.call("POST", f"{_path(api, execution_id)}/rerun", body=body)
    return _begun(api, printer, again, watch=watch)


@executions.command()
@click.argument("execution_id", type=Id())
@connected
def cancel(api: "Api", printer: Printer, execution_id: str) -> None:
    """Cancel one: what waits never starts, what runs is killed."""
    cancelled = api.call("POST", f"{_path(api, execution_id)}/cancel", repeatable=True)
    show(api, printer, cancelled, watch=False)


@executions.command()
@click.argument("execution_id", type=Id())
@into
@connected
def payload(api: "Api", printer: Printer, execution_id: str, file: Path | None) -> None:
    """Write the payload as its runs get it.

    It is what resource_webhook_payload holds; --json changes nothing.
    """
    deliver(api.bytes_of(f"{_path(api, execution_id)}/payload"), file)


def show(api: "Api", printer: Printer, execution: "Record", *, watch: bool) -> int:
    """Print it, once it has ended if it is watched; the exit code."""
    if watch:
        path = _path(api, str(execution["execution_id"]))
        execution = follow(lambda: api.call("GET", path), progress, has_ended)
    printer.record(execution, ALONE)
    if not printer.as_json and execution.get("runs"):
        click.echo()
        printer.rows(execution["runs"], RUNS, none="")
    return ExitCode.DONE if not watch or execution.get("state") == "SUCCEEDED" else ExitCode.REFUSED


def _begun(api: "Api", printer: Printer, execution: "Record", *, watch: bool) -> int:
    code = show(api, printer, execution, watch=watch)
    return ExitCode.REFUSED if execution.get("state") in ("REJECTED", "FAILED") else code


def has_ended(execution: "Record") -> bool:
    """Whether its state is final."""
    return execution.get("state") not in UNFINISHED


def progress(execution: "Record") -> str:
    """How it stands, in a line."""
    made: list[Any] = execution.get("runs") or []
    over = sum(run.get("state") not in UNFINISHED for run in made)
    waits = " (waits for its turn, or a runner that has the command)" if execution.get("state") == "PENDING" else ""
    return f"{execution.get('state')}{waits}, {over} of {len(made)} runs over"


def _path(api: "Api", execution_id: str) -> str:
    return f"{api.v1}/executions/{execution_id}"
