"""What tasks and plans have in common: they are listed, copied, deleted, paused, resumed, in the same words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from cli.options import Command, Number, connected, limited
from cli.printer import Printer
from cli.shown import Column

if TYPE_CHECKING:
    from cli.api import Api

QUEUE_MODES = ("fail", "reject", "hold")
QUEUE_COUNTS = ("concurrent", "rolling")
_SHARED = (
    click.option(
        "--time-limit",
        "timeout_seconds",
        type=int,
        metavar="SECONDS",
        help="How long one may take: 60 to 86400.  [a task's 3600, a plan's 86400]",
    ),
    click.option("--parallel/--one-by-one", "allow_parallel_runs", default=None, help="Whether two may go on at once."),
    click.option(
        "--queue-limit",
        "queue_executions",
        type=int,
        metavar="NUMBER",
        help="How many executions may wait or run, of the last hour: 1 to 10000.  [50]",
    ),
    click.option(
        "--queue-mode",
        type=click.Choice(QUEUE_MODES),
        help="Beyond it: REJECTED (fail), calls refused (reject), or waiting (hold).  [fail]",
    ),
    click.option(
        "--queue-count",
        type=click.Choice(QUEUE_COUNTS),
        help="What counts: what is unfinished (concurrent), or all of the hour (rolling).  [concurrent]",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A kind of thing that executions execute: a word for one, its plural, how its lists and it alone are shown."""

    one: str
    many: str
    in_lists: Sequence[Column]
    alone: Sequence[Column]

    @property
    def id(self) -> str:
        """The key of its number."""
        return f"{self.one}_id"

    def path(self, api: "Api", number: int) -> str:
        """Where it is."""
        return f"{api.v1}/{self.many}/{number}"


def limits(command: Command) -> Command:
    """The options of both; `settled` gathers what they say."""
    for option in reversed(_SHARED):
        command = option(command)
    return command


def settled(wish: dict[str, Any]) -> dict[str, Any]:
    """The wish with its queue limit in one object, which has what was typed."""
    queue = {key: wish.pop(f"queue_{key}") for key in ("executions", "mode", "count")}
    named = {key: value for key, value in queue.items() if value is not None}
    return wish | {"queue_limit": named or None}


def queue_limit(value: Any) -> str:
    """A queue limit in a table."""
    return f"{value.get('executions')}, {value.get('mode')}, {value.get('count')}" if isinstance(value, dict) else "-"


def add_shared(group: click.Group, target: Target) -> None:
    """`list`, `get`, `copy`, `delete`, `pause` and `resume` of a kind of target."""
    for command in (_list(target), _get(target), _copy(target), _delete(target), *_pausing(target)):
        group.add_command(command)


def _list(target: Target) -> click.Command:
    @click.command("list", help=f"List the account's {target.many}, oldest first.")
    @limited
    @connected
    def list_(api: "Api", printer: Printer, limit: int | None) -> None:
        found = api.all_of(f"{api.v1}/{target.many}", target.many, {}, limit)
        printer.rows(found, target.in_lists, none=f"no {target.many} yet: runhook {target.many} create --help")

    return list_


def _get(target: Target) -> click.Command:
    @click.command("get", help=f"Show one {target.one}.")
    @click.argument(target.id, type=Number())
    @connected
    def get(api: "Api", printer: Printer, **named: int) -> None:
        printer.record(api.call("GET", target.path(api, named[target.id])), target.alone)

    return get


def _copy(target: Target) -> click.Command:
    @click.command("copy", help=f"Make a copy of a {target.one}, without its triggers.")
    @click.argument(target.id, type=Number())
    @click.option("--name", default="", help='What the copy is called.  [its name and " copy"]')
    @connected
    def copy(api: "Api", printer: Printer, name: str, **named: int) -> None:
        path = f"{target.path(api, named[target.id])}/copy"
        printer.record(api.call("POST", path, body={"name": name}), target.alone)

    return copy


def _delete(target: Target) -> click.Command:
    @click.command("delete", help=f"Delete a {target.one} that nothing starts any more.")
    @click.argument(target.id, type=Number())
    @connected
    def delete(api: "Api", printer: Printer, **named: int) -> None:
        number = named[target.id]
        api.call("DELETE", target.path(api, number))
        printer.record({target.id: str(number)}, [Column("DELETED", target.id)])

    return delete


def _pausing(target: Target) -> list[click.Command]:
    helps = {
        "pause": f"Pause a {target.one}.\n\nCalls are taken and windows close; its executions wait.",
        "resume": f"Resume a {target.one}: what waited goes on, in its order.",
    }

    def made(word: str) -> click.Command:
        @click.command(word, help=helps[word])
        @click.argument(target.id, type=Number())
        @connected
        def pause_or_resume(api: "Api", printer: Printer, **named: int) -> None:
            answer = api.call("POST", f"{target.path(api, named[target.id])}/{word}", repeatable=True)
            printer.record(answer, [Column(target.one.upper(), target.id), Column("PAUSED", "paused")])

        return pause_or_resume

    return [made(word) for word in helps]
