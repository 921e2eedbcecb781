"""`runhook triggers`: what starts tasks and plans. Invariant: a URL is shown by what makes it and by `reveal`, nowhere else."""

from typing import TYPE_CHECKING, Any

import click

from cli import trigger_options, windows
from cli.calling import send
from cli.changing import change
from cli.given import only_one
from cli.options import Id, Number, Things, connected, limited
from cli.printer import Printer, note
from cli.shown import NOTHING, Column, moment, plain

if TYPE_CHECKING:
    from cli.api import Api, Record

#: What a PUT replaces; kind, target and secrets stay as they are.
REPLACED = (
    *("name", "threshold", "duration_seconds", "enabled", "data_mode", "start_at", "cron", "verification"),
    "call_rules",
)
URL = Column("URL", "url")


def cron(value: Any) -> str:
    """A schedule and its zone."""
    return plain(f"{value.get('expression')} {value.get('time_zone')}") if isinstance(value, dict) else NOTHING


def verification(value: Any) -> str:
    """Whose way to sign, and how many secrets are agreed on."""
    return plain(f"{value.get('preset')}, {value.get('secret_count')} secrets") if isinstance(value, dict) else "none"


def rules(value: Any) -> str:
    """The call rules that say something."""
    return plain([f"{name}={plain(one)}" for name, one in value.items() if one]) if isinstance(value, dict) else NOTHING


ID = Column("ID", "trigger_id")
NAME = Column("NAME", "name")
KIND = Column("KIND", "kind")
TASK = Column("TASK", "task_id")
PLAN = Column("PLAN", "plan_id")
ENABLED = Column("ENABLED", "enabled")
NEXT = Column("NEXT START", "next_start_at", moment)
IN_LISTS = (ID, NAME, KIND, TASK, PLAN, ENABLED, NEXT)
ALONE = (
    ID,
    NAME,
    KIND,
    TASK,
    PLAN,
    ENABLED,
    Column("THRESHOLD", "threshold"),
    Column("DURATION", "duration_seconds"),
    Column("DATA MODE", "data_mode"),
    Column("AT", "start_at", moment),
    Column("CRON", "cron", cron),
    NEXT,
    Column("VERIFICATION", "verification", verification),
    Column("CALL RULES", "call_rules", rules),
    Column("CREATED", "created_at", moment),
)


@click.group(cls=Things)
def triggers() -> None:
    """Triggers: secret URLs that turn calls into executions, moments, and schedules."""


for _command in (windows.windows, windows.window, windows.calls, windows.flush, send):
    triggers.add_command(_command)


@triggers.command()
@click.option("--name", required=True, help="1 to 100 letters, digits and _.")
@click.option("--task", "task_id", type=Number(), metavar="NUMBER", help="The task that it starts.")
@click.option("--plan", "plan_id", type=Number(), metavar="NUMBER", help="The plan that it starts.")
@trigger_options.wished
@connected
def create(api: "Api", printer: Printer, task_id: int | None, plan_id: int | None, **wish: Any) -> None:
    """Make a trigger: a webhook, unless --at or --cron says when.

    A webhook's URL is printed. Who has it can start the task or plan.
    """
    only_one(task_id=task_id, plan_id=plan_id)
    body = trigger_options.body(wish)
    if "cron" in body and "start_at" in body:
        raise click.UsageError("--at or --cron, not both")
    kind = "cron" if "cron" in body else "once" if "start_at" in body else "webhook"
    target = {"task_id": str(task_id)} if task_id else {"plan_id": str(plan_id)}
    made = api.call("POST", f"{api.v1}/triggers", body=target | body | {"kind": kind})
    printer.record(made, (*ALONE, URL))
    _tell_of(made)


@triggers.command("list")
@limited
@connected
def list_(api: "Api", printer: Printer, limit: int | None) -> None:
    """List the account's triggers, oldest first."""
    found = api.all_of(f"{api.v1}/triggers", "triggers", {}, limit)
    printer.rows(found, IN_LISTS, none="no triggers yet: runhook triggers create --help")


@triggers.command()
@click.argument("trigger_id", type=Id())
@connected
def get(api: "Api", printer: Printer, trigger_id: str) -> None:
    """Show one trigger with its newest window."""
    found = api.call("GET", f"{api.v1}/triggers/{trigger_id}")
    printer.record(found, ALONE)
    window = found.get("newest_window")
    if window and not printer.as_json:
        click.echo()
        printer.rows([window], windows.WINDOWS, none="")


@triggers.command()
@click.argument("trigger_id", type=Id())
@click.option("--name", help="1 to 100 letters, digits and _.")
@click.option(
    "--enabled/--disabled", default=None, help="Whether it starts anything; --disabled closes the open window."
)
@trigger_options.wished
@connected
def update(api: "Api", printer: Printer, trigger_id: str, **wish: Any) -> None:
    """Change what is named, keep the rest.

    An open window keeps the threshold and deadline that it was opened with; without --secret-file the secrets stay.
    Refused when somebody else has changed the trigger at the same moment.
    """
    changed = change(api, f"{api.v1}/triggers/{trigger_id}", REPLACED, trigger_options.body(wish))
    printer.record(changed, ALONE)


@triggers.command()
@click.argument("trigger_id", type=Id())
@click.option("--discard", is_flag=True, help="Throw away the calls of its open window instead of executing them.")
@connected
def delete(api: "Api", printer: Printer, trigger_id: str, discard: bool) -> None:
    """Delete a trigger and its URL. Its open window closes and is executed."""
    query: dict[str, str | int] = {"discard": "true"} if discard else {}
    api.call("DELETE", f"{api.v1}/triggers/{trigger_id}", query=query)
    printer.record({"trigger_id": trigger_id}, [Column("DELETED", "trigger_id")])


@triggers.command()
@click.argument("trigger_id", type=Id())
@connected
def reveal(api: "Api", printer: Printer, trigger_id: str) -> None:
    """Show a webhook's URL. It is noted who asked."""
    found = api.call("POST", f"{api.v1}/triggers/{trigger_id}/reveal")
    old = (Column("OLD URL", "old_url"), Column("OLD URL ENDS", "old_url_expires_at", moment))
    printer.record(found, (URL, *old))


@triggers.command()
@click.argument("trigger_id", type=Id())
@click.option(
    "--grace", type=int, default=0, metavar="SECONDS", help="How long the old URL answers: up to 604800.  [0]"
)
@connected
def regenerate(api: "Api", printer: Printer, trigger_id: str, grace: int) -> None:
    """Make a new URL for a webhook."""
    path = f"{api.v1}/triggers/{trigger_id}/regenerate"
    made = api.call("POST", path, body={"grace_seconds": grace})
    printer.record(made, [URL])
    _tell_of(made)


def _tell_of(made: "Record") -> None:
    if made.get("url"):
        note("who has the URL can start it: keep it secret")
