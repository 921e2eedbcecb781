"""`runhook`: reads the command line, calls the room that does it. Invariant: a room is loaded only when called."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Command:
    """One subcommand; `run` returns the exit code."""

    name: str
    summary: str
    run: Callable[[], int]


def standalone() -> int:
    """The whole platform in the foreground."""
    from standalone.run import run

    return run(os.environ)


def migrate() -> int:
    """The database of RUNHOOK_DATABASE_URL, brought up to date."""
    from schema.__main__ import main as schema

    return schema(["migrate"])


COMMANDS = (
    Command(
        name="standalone",
        summary="run the whole platform on this machine (settings: PORT, DATA_DIR, TOKEN, DATABASE_URL, COMMANDS)",
        run=standalone,
    ),
    Command(
        name="migrate", summary="bring the database of RUNHOOK_DATABASE_URL (its owner's URL) up to date", run=migrate
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 trouble, 2 called wrongly."""
    parser = argparse.ArgumentParser(prog="runhook", description="Webhooks for job runs.")
    subcommands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        subcommands.add_parser(command.name, help=command.summary).set_defaults(run=command.run)
    run: Callable[[], int] = parser.parse_args(arguments).run
    return run()


if __name__ == "__main__":
    sys.exit(main())
