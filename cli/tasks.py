"""`runhook tasks`: what runs execute. Invariant: an update changes what was named and nothing else."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cli.changing import change, said
from cli.given import Pair
from cli.options import Command, Number, Things, connected
from cli.printer import Printer
from cli.shown import NOTHING, Column, moment, plain
from cli.targets import Target, add_shared, limits, queue_limit, settled

if TYPE_CHECKING:
    from cli.api import Api

PAYLOAD = "resource_webhook_payload"
#: What a PUT replaces.
REPLACED = (
    *("name", "kind", "command", "slots", "parameters", "timeout_seconds", "allow_parallel_runs", "max_attempts"),
    *("environment_id", "environment_name", "project_id", "project_name", "dbt_version", "queue_limit"),
)


def pairs(value: Any) -> str:
    """Slots or parameters, name by name."""
    if isinstance(value, list):
        value = {one.get("name"): one.get("default_value") for one in value}
    return plain([f"{name}={text}" if text else name for name, text in value.items()]) if value else NOTHING


ID = Column("ID", "task_id")
NAME = Column("NAME", "name")
COMMAND = Column("COMMAND", "command")
PARAMETERS = Column("PARAMETERS", "parameters", pairs)
PAUSED = Column("PAUSED", "paused")
TASK = Target(
    one="task",
    many="tasks",
    in_lists=(ID, NAME, COMMAND, PARAMETERS, PAUSED),
    alone=(
        ID,
        NAME,
        Column("KIND", "kind"),
        COMMAND,
        Column("SLOTS", "slots", pairs),
        PARAMETERS,
        Column("TIME LIMIT", "timeout_seconds"),
        Column("PARALLEL", "allow_parallel_runs"),
        Column("ATTEMPTS", "max_attempts"),
        Column("QUEUE LIMIT", "queue_limit", queue_limit),
        PAUSED,
        Column("ENVIRONMENT", "environment_name"),
        Column("PROJECT", "project_name"),
        Column("DBT VERSION", "dbt_version"),
        Column("CREATED", "created_at", moment),
    ),
)


@click.group(cls=Things)
def tasks() -> None:
    """Tasks: a command that the runner's operator has named, with its slots and parameters."""


add_shared(tasks, TASK)


def wished(*, required: bool) -> Callable[[Command], Command]:
    """The options that say what a task is; `required` where there is nothing yet to keep."""
    options = (
        click.option("--name", required=required, help="What it is called; goes out as jobName."),
        click.option(
            "--command", required=required, metavar="NAME", help="A command that some runner's operator named."
        ),
        click.option("--kind", type=click.Choice(("standard", "big_data")), help="How large a window may get."),
        click.option(
            "--slot",
            "slots",
            type=Pair(),
            multiple=True,
            metavar="NAME=VALUE",
            help="What it puts into a slot of the command; repeat it. Replaces all.",
        ),
        click.option(
            "--parameter",
            "parameters",
            type=Pair(),
            multiple=True,
            metavar="NAME[=DEFAULT]",
            help=f"What it declares; repeat it. Replaces all. A webhook needs {PAYLOAD}.",
        ),
        limits,
        click.option("--max-attempts", type=int, metavar="NUMBER", help="Tries in all when runners die: 1 to 10.  [1]"),
        click.option("--environment-id", type=Number(), metavar="NUMBER", help="Goes out as environmentId.  [1]"),
        click.option("--environment-name", metavar="NAME", help="Goes out as environmentName.  [Production]"),
        click.option("--project-id", type=Number(), metavar="NUMBER", help="Goes out as projectId.  [1]"),
        click.option("--project-name", metavar="NAME", help="Goes out as projectName.  [Default]"),
        click.option("--dbt-version", metavar="VERSION", help="Goes out as dbtVersion."),
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@tasks.command()
@wished(required=True)
@connected
def create(api: "Api", printer: Printer, **wish: Any) -> None:
    """Make a task."""
    printer.record(api.call("POST", f"{api.v1}/tasks", body=_body(wish)), TASK.alone)


@tasks.command()
@click.argument("task_id", type=Number())
@wished(required=False)
@connected
def update(api: "Api", printer: Printer, task_id: int, **wish: Any) -> None:
    """Change what is named, keep the rest.

    What waits or runs goes on as it was made. Refused when somebody else has changed the task at the same moment.
    """
    printer.record(change(api, TASK.path(api, task_id), REPLACED, _body(wish)), TASK.alone)


def _body(wish: dict[str, Any]) -> dict[str, Any]:
    slots, parameters = wish.pop("slots"), wish.pop("parameters")
    body = said(settled(wish))
    if slots:
        body["slots"] = dict(slots)
    if parameters:
        body["parameters"] = [{"name": name, "default_value": text} for name, text in parameters]
    return body
