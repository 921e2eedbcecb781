"""`runhook subscriptions secrets|rotate-secret|promote-secret`. Invariant: a secret is printed by the command that made it."""

from typing import TYPE_CHECKING

import click

from cli.options import Id, connected
from cli.printer import Printer
from cli.shown import Column, moment

if TYPE_CHECKING:
    from cli.api import Api, Record

COLUMNS = (
    Column("MADE", "created_at", moment),
    Column("ENDS", "expires_at", moment),
    Column("SIGNS AUTHORIZATION", "signs_authorization"),
)


@click.command("secrets")
@click.argument("subscription_id", type=Id())
@connected
def secrets(api: "Api", printer: Printer, subscription_id: str) -> None:
    """List the signing secrets that live.

    When they were made and when they end, never their text.
    """
    _print(printer, api.call("GET", f"{api.v1}/subscriptions/{subscription_id}/secret"))


@click.command("rotate-secret")
@click.argument("subscription_id", type=Id())
@click.option(
    "--overlap",
    type=click.IntRange(0, 604_800),
    metavar="SECONDS",
    help="How long the old secret lives on: 0 to 604800 (7 days).  [86400]",
)
@connected
def rotate(api: "Api", printer: Printer, subscription_id: str, overlap: int | None) -> None:
    """Make a second signing secret.

    It is shown this once. Authorization is signed with the old one until that ends or the new one is promoted;
    webhook-signature carries both.
    """
    body = {} if overlap is None else {"overlap_seconds": overlap}
    made = api.call("POST", f"{api.v1}/subscriptions/{subscription_id}/secret/rotate", body=body)
    printer.record(made, [Column("OLD SECRET ENDS", "old_expires_at", moment)])
    show_secret(printer, made)


@click.command("promote-secret")
@click.argument("subscription_id", type=Id())
@connected
def promote(api: "Api", printer: Printer, subscription_id: str) -> None:
    """End a rotation now.

    The new signing secret is the only one from then on.
    """
    _print(printer, api.call("POST", f"{api.v1}/subscriptions/{subscription_id}/secret/promote"))


def show_secret(printer: Printer, made: "Record") -> None:
    """The `hmac_secret` of what was just made, and the form of it that Standard Webhooks libraries take."""
    from runhook.verify import to_whsec

    secret = str(made.get("hmac_secret", ""))
    printer.secret("signing secret", {"secret": secret, "as whsec_": to_whsec(secret)})


def _print(printer: Printer, living: "Record") -> None:
    printer.listed(living, "secrets", COLUMNS, none="no signing secret")
