"""`runhook accounts`: the tenants. Invariant: an account comes with one token, account_admin, whose text is shown once."""

from typing import TYPE_CHECKING, Any

import click

from cli.options import Number, Things, connected, connected_at_large, limited
from cli.printer import Printer
from cli.shown import Column, moment
from cli.tokens import show_token

if TYPE_CHECKING:
    from cli.api import Api

COLUMNS = (
    Column("ID", "account_id"),
    Column("NAME", "name"),
    Column("PLAN", "plan"),
    Column("IDENTIFIER", "account_identifier"),
    Column("CREATED", "created_at", moment),
)


@click.group(cls=Things)
def accounts() -> None:
    """Accounts: whose things these are."""


@accounts.command("list")
@limited
@connected_at_large
def list_(api: "Api", printer: Printer, limit: int | None) -> None:
    """List the accounts that the token sees."""
    printer.rows(api.all_of("/api/v1/accounts", "accounts", {}, limit), COLUMNS, none="no accounts")


@accounts.command()
@click.argument("account_id", type=Number(), required=False)
@connected
def get(api: "Api", printer: Printer, account_id: int | None) -> None:
    """Show one account; without ACCOUNT_ID that of the token."""
    printer.record(api.call("GET", f"/api/v1/accounts/{account_id or api.account_id}"), COLUMNS)


@accounts.command()
@click.option("--name", required=True, help="What it is called.")
@click.option("--account-id", type=Number(), help="Its number. Default: the next free one.")
@click.option("--plan", type=click.Choice(["enterprise", "team"]), help="Default: enterprise.")
@connected_at_large
def create(api: "Api", printer: Printer, **wish: Any) -> None:
    """Make an account and its first service token, shown this once. The platform's operator only."""
    body = {key: value for key, value in wish.items() if value is not None}
    made = api.call("POST", "/api/v1/accounts", body=body)
    printer.record(made, COLUMNS)
    show_token(printer, made)
