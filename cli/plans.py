"""`runhook plans`: ordered steps of tasks. Invariant: an update changes what was named and nothing else."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cli.changing import change, said
from cli.options import Command, Number, Things, connected
from cli.printer import Printer
from cli.shown import Column, moment
from cli.targets import Target, add_shared, limits, queue_limit, settled

if TYPE_CHECKING:
    from cli.api import Api

#: What a PUT replaces.
REPLACED = ("name", "steps", "failure_handler_task_id", "timeout_seconds", "allow_parallel_runs", "queue_limit")


class Step(click.ParamType[list[str]]):
    """Tasks that run in parallel: 7 or 7,8,9."""

    name = "step"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Their numbers."""
        if isinstance(value, list):
            return value
        return [str(Number().convert(one.strip(), param, ctx)) for one in str(value).split(",")]


def steps(value: Any) -> str:
    """The steps in their order: tasks of one by commas, one step from the next by an arrow."""
    return " -> ".join(",".join(map(str, one.get("task_ids", []))) for one in value or [])


ID = Column("ID", "plan_id")
NAME = Column("NAME", "name")
STEPS = Column("STEPS", "steps", steps)
PAUSED = Column("PAUSED", "paused")
PLAN = Target(
    one="plan",
    many="plans",
    in_lists=(ID, NAME, STEPS, PAUSED),
    alone=(
        ID,
        NAME,
        STEPS,
        Column("FAILURE HANDLER", "failure_handler_task_id"),
        Column("TIME LIMIT", "timeout_seconds"),
        Column("PARALLEL", "allow_parallel_runs"),
        Column("QUEUE LIMIT", "queue_limit", queue_limit),
        PAUSED,
        Column("CREATED", "created_at", moment),
    ),
)


@click.group(cls=Things)
def plans() -> None:
    """Plans: steps of tasks, one after the other; the tasks of a step in parallel."""


add_shared(plans, PLAN)


def wished(*, required: bool) -> Callable[[Command], Command]:
    """The options that say what a plan is; `required` where there is nothing yet to keep."""
    options = (
        click.option("--name", required=required, help="What it is called."),
        click.option(
            "--step",
            "steps",
            type=Step(),
            multiple=True,
            required=required,
            metavar="TASK[,TASK]",
            help="The tasks of a step; repeat it, in their order. Replaces all.",
        ),
        click.option(
            "--failure-handler",
            "failure_handler_task_id",
            type=Number(),
            metavar="TASK",
            help="The task that runs after a failure.",
        ),
        limits,
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@plans.command()
@wished(required=True)
@connected
def create(api: "Api", printer: Printer, **wish: Any) -> None:
    """Make a plan."""
    printer.record(api.call("POST", f"{api.v1}/plans", body=_body(wish)), PLAN.alone)


@plans.command()
@click.argument("plan_id", type=Number())
@wished(required=False)
@click.option("--no-failure-handler", is_flag=True, help="Nothing runs after a failure from now on.")
@connected
def update(api: "Api", printer: Printer, plan_id: int, no_failure_handler: bool, **wish: Any) -> None:
    """Change what is named, keep the rest.

    What waits or runs goes on as it was made. Refused when somebody else has changed the plan at the same moment.
    """
    if no_failure_handler and wish["failure_handler_task_id"]:
        raise click.UsageError("--no-failure-handler or --failure-handler, not both")
    changes = _body(wish) | ({"failure_handler_task_id": None} if no_failure_handler else {})
    printer.record(change(api, PLAN.path(api, plan_id), REPLACED, changes), PLAN.alone)


def _body(wish: dict[str, Any]) -> dict[str, Any]:
    made = said(settled(wish))
    handler = made.get("failure_handler_task_id")
    if handler is not None:
        made["failure_handler_task_id"] = str(handler)
    if "steps" in made:
        made["steps"] = [{"task_ids": one} for one in made["steps"]]
    return made
