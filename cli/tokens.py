"""`runhook tokens`: an account's service tokens. Invariant: a token's text is printed by the command that made it, once."""

from typing import TYPE_CHECKING, Any

import click

from cli.options import Id, connected, limited
from cli.printer import Printer
from cli.shown import Column, moment

if TYPE_CHECKING:
    from cli.api import Api

ID = Column("ID", "token_id")
NAME = Column("NAME", "name")
PERMISSION_SET = Column("PERMISSION SET", "permission_set")
CREATED = Column("CREATED", "created_at", moment)
EXPIRES = Column("EXPIRES", "expires_at", moment)
LAST_USED = Column("LAST USED", "last_used_at", moment)
REVOKED = Column("REVOKED", "revoked_at", moment)
ALL = (ID, NAME, PERMISSION_SET, CREATED, LAST_USED, EXPIRES, REVOKED)


@click.group()
def tokens() -> None:
    """Service tokens: who may call the platform for an account."""


@tokens.command("list")
@limited
@connected
def list_(api: "Api", printer: Printer, limit: int | None) -> None:
    """List the account's service tokens, revoked ones too."""
    found = api.all_of(f"{api.v1}/tokens", "tokens", {}, limit)
    printer.rows(found, ALL, none="no service tokens")


@tokens.command()
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--permission-set",
    required=True,
    metavar="SET",
    help="account_admin, admin, developer, member, webhooks_only, read_only, publisher or runner.",
)
@click.option(
    "--expires-at", metavar="TIME", help="Refused from then on, such as 2027-01-31T00:00:00Z. Default: never."
)
@connected
def create(api: "Api", printer: Printer, **wish: Any) -> None:
    """Make a service token. Its text is shown this once."""
    body = {key: value for key, value in wish.items() if value is not None}
    made = api.call("POST", f"{api.v1}/tokens", body=body)
    printer.record(made, ALL)
    show_token(printer, made)


@tokens.command()
@click.argument("token_id", type=Id())
@connected
def revoke(api: "Api", printer: Printer, token_id: str) -> None:
    """Revoke a service token: within 5 seconds it is refused everywhere."""
    printer.record(api.call("DELETE", f"{api.v1}/tokens/{token_id}"), ALL)


def show_token(printer: Printer, made: dict[str, Any]) -> None:
    """The text of a token that was just made."""
    printer.secret("token", {"token": str(made.get("token", ""))})
