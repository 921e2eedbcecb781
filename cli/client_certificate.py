"""`runhook subscriptions client-certificate`: what an endpoint is shown of us. Invariant: its key is never shown."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.files import read
from cli.options import Id, connected
from cli.printer import Printer, note
from cli.shown import Column, moment

if TYPE_CHECKING:
    from cli.api import Api

COLUMNS = (
    Column("SUBJECT", "subject"),
    Column("FINGERPRINT", "fingerprint"),
    Column("ENDS", "expires_at", moment),
)


@click.command("client-certificate")
@click.argument("subscription_id", type=Id())
@click.option(
    "--certificate-file",
    type=click.Path(path_type=Path),
    help="PEM: the certificate, then those that lead to its authority.",
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="PEM: its key, without a pass phrase; - is stdin.",
)
@click.option("--clear", is_flag=True, help="Show no certificate.")
@connected
def client_certificate(
    api: "Api",
    printer: Printer,
    subscription_id: str,
    certificate_file: Path | None,
    key_file: Path | None,
    clear: bool,
) -> None:
    """Tell of or replace the client certificate.

    It is shown to an https endpoint that asks for one. Its key is never shown.
    """
    if (certificate_file is None) != (key_file is None) or (clear and key_file is not None):
        raise click.UsageError("--certificate-file together with --key-file, or --clear alone")
    path = f"{api.v1}/subscriptions/{subscription_id}/client-certificate"
    if certificate_file is not None and key_file is not None:
        body = {"certificate_chain": read(certificate_file), "private_key": read(key_file)}
        told = api.call("PUT", path, body=body)
    else:
        told = api.call("DELETE" if clear else "GET", path)
    if printer.as_json or told.get("fingerprint"):
        printer.record(told, COLUMNS)
    else:
        note("no client certificate")
