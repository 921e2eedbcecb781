"""What those who run a platform call; the work is done in other packages. Invariant: those are loaded when called."""

import os

import click

from cli.settings import VARIABLES


@click.command()
def standalone() -> int:
    """Run the whole platform on this machine, in the foreground."""
    from standalone.run import run

    return run({name: value for name, value in os.environ.items() if name not in VARIABLES})


@click.command()
def migrate() -> int:
    """Bring the database of RUNHOOK_DATABASE_URL (its owner's URL) up to date."""
    return _schema("migrate")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a line a check.")
def doctor(as_json: bool) -> int:
    """Say what is wrong with the database of RUNHOOK_DATABASE_URL (its owner's URL) and what to do.

    Changes nothing. Ends with 0 when nothing is bad, 1 when something is, 5 when there is no database to examine.
    """
    return _schema("doctor", *(["--json"] if as_json else []))


@click.group()
def secrets() -> None:
    """What is encrypted in the database of RUNHOOK_DATABASE_URL."""


@secrets.command("rotate-keys")
def rotate_keys() -> int:
    """Encrypt everything with the first key.

    That is the first line of RUNHOOK_KEY_RING_FILE; the other keys may go once it says that all is sealed under the first.
    """
    return _schema("rotate-keys")


def _schema(*arguments: str) -> int:
    from schema.__main__ import main

    return main(list(arguments))
