"""`runhook`: reads the command line, calls the room that does it. Invariant: a room is loaded only when called."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import click

from cli.trouble import MEANINGS, ExitCode


@dataclass(frozen=True, kw_only=True)
class Command:
    """One row of the table: what it is called (and `also`), what it does, where it is."""

    name: str
    summary: str
    room: str
    attribute: str
    also: str = ""


COMMANDS = (
    Command(
        name="overview",
        summary="how an account does: the last hour, what waits, what failed, who serves",
        room="cli.overview",
        attribute="overview",
    ),
    Command(
        name="subscriptions",
        also="subscription",
        summary="which events go where: list, get, create, update, delete, test, secrets, headers, settings",
        room="cli.subscriptions",
        attribute="subscriptions",
    ),
    Command(
        name="deliveries",
        also="delivery",
        summary="what became of events: list, get, redeliver",
        room="cli.deliveries",
        attribute="deliveries",
    ),
    Command(
        name="recoveries",
        also="recovery",
        summary="all that failed since a time, delivered again: start, list, get, cancel",
        room="cli.recoveries",
        attribute="recoveries",
    ),
    Command(
        name="erasures",
        also="erasure",
        summary="stored bodies taken out for good: start, list, get",
        room="cli.erasures",
        attribute="erasures",
    ),
    Command(name="events", also="event", summary="publish events", room="cli.events", attribute="events"),
    Command(
        name="triggers",
        also="trigger",
        summary="what starts tasks and plans: create, list, get, update, delete, URLs, windows, calls, flush, send",
        room="cli.triggers",
        attribute="triggers",
    ),
    Command(
        name="executions",
        also="execution",
        summary="what was set going: start, list, get, rerun, cancel, payload",
        room="cli.executions",
        attribute="executions",
    ),
    Command(
        name="runs", also="run", summary="one run: get, log, artifacts, artifact", room="cli.runs", attribute="runs"
    ),
    Command(
        name="tasks",
        also="task",
        summary="what runs execute: create, list, get, update, delete, copy, pause, resume",
        room="cli.tasks",
        attribute="tasks",
    ),
    Command(
        name="plans",
        also="plan",
        summary="steps of tasks: create, list, get, update, delete, copy, pause, resume",
        room="cli.plans",
        attribute="plans",
    ),
    Command(
        name="tokens",
        also="token",
        summary="an account's service tokens: list, create, revoke",
        room="cli.tokens",
        attribute="tokens",
    ),
    Command(
        name="accounts", also="account", summary="list, get, create accounts", room="cli.accounts", attribute="accounts"
    ),
    Command(
        name="listen",
        summary="receive deliveries on this machine, show them and check their signatures",
        room="cli.listen",
        attribute="listen",
    ),
    Command(
        name="standalone",
        summary="run the whole platform on this machine (settings: PORT, DATA_DIR, TOKEN, DATABASE_URL, COMMANDS)",
        room="cli.operate",
        attribute="standalone",
    ),
    Command(
        name="migrate",
        summary="bring the database of RUNHOOK_DATABASE_URL (its owner's URL) up to date",
        room="cli.operate",
        attribute="migrate",
    ),
    Command(
        name="doctor",
        summary="say what is wrong with that database (settings, roles, partitions, vacuum, clocks) and what to do",
        room="cli.operate",
        attribute="doctor",
    ),
    Command(
        name="secrets",
        summary="rotate-keys: encrypt what is secret in that database anew, with the first key of the ring",
        room="cli.operate",
        attribute="secrets",
    ),
)
_CODES = "\n".join(f"  {int(code):<5}{meaning}" for code, meaning in MEANINGS.items())


class Rooms(click.Group):
    """The table as a click group."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order."""
        return [command.name for command in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, loaded now."""
        for command in COMMANDS:
            if cmd_name in (command.name, command.also):
                found: click.Command = getattr(import_module(command.room), command.attribute)
                return found
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The summaries of the table, so that help loads nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(command.name, command.summary) for command in COMMANDS])


@click.group(cls=Rooms, epilog=f"\b\nExit codes:\n{_CODES}")
def runhook() -> None:
    """Webhooks for job runs.

    Commands about a platform take --url (RUNHOOK_URL) and --token-file (RUNHOOK_TOKEN_FILE); beside the data directory of a
    `runhook standalone` they need neither.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code; what went wrong is on stderr."""
    try:
        outcome = runhook.main(arguments, prog_name="runhook", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return ExitCode.INTERRUPTED
    return outcome if isinstance(outcome, int) else ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
