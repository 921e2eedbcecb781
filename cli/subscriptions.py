"""`runhook subscriptions`: who wants what, where. Invariant: an update changes what was named and sends back the rest."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from cli import signing_secrets, webhooks
from cli.client_certificate import client_certificate
from cli.delivery_settings import delivery_settings
from cli.headers import headers
from cli.options import Command, Id, Number, Things, connected, limited
from cli.printer import Printer, note
from cli.shown import Column, jobs, kinds, microseconds, status_code
from cli.trouble import ExitCode

if TYPE_CHECKING:
    from cli.api import Api

ID = Column("ID", "id")
NAME = Column("NAME", "name")
JOBS = Column("JOBS", "job_ids", jobs)
URL = Column("CLIENT URL", "client_url")
ACTIVE = Column("ACTIVE", "active")
LAST_STATUS = Column("STATUS", "http_status_code", status_code)
IN_LISTS = (ID, NAME, Column("EVENTS", "event_types", kinds), JOBS, URL, ACTIVE, LAST_STATUS)
ALONE = (
    ID,
    NAME,
    Column("DESCRIPTION", "description"),
    Column("EVENT TYPES", "event_types"),
    JOBS,
    URL,
    ACTIVE,
    Column("DEACTIVATED BECAUSE", "deactivate_reason"),
    LAST_STATUS,
    Column("LAST SENT", "dispatched_at", microseconds),
    Column("CREATED", "created_at", microseconds),
    Column("UPDATED", "updated_at", microseconds),
)
OF_A_TEST = (Column("STATUS CODE", "verification_status_code", status_code), Column("ERROR", "verification_error"))
#: What a PUT replaces. It empties those that it leaves out, or refuses to.
REPLACED = ("name", "description", "job_ids", "event_types", "client_url", "active")
EVENT_TYPES_HELP = "job.run.started, job.run.completed or job.run.errored; repeat it for several."


@click.group(cls=Things)
def subscriptions() -> None:
    """Webhook subscriptions: which events go where."""


_OF_SECRETS = (signing_secrets.secrets, signing_secrets.rotate, signing_secrets.promote)
for _command in (*_OF_SECRETS, headers, delivery_settings, client_certificate):
    subscriptions.add_command(_command)


@subscriptions.command("list")
@limited
@connected
def list_(api: "Api", printer: Printer, limit: int | None) -> None:
    """List the account's subscriptions."""
    found = api.all_of_envelope(f"{api.v3}/webhooks/subscriptions", limit)
    printer.rows(found, IN_LISTS, none="no subscriptions yet: runhook subscriptions create --help")


@subscriptions.command()
@click.argument("subscription_id", type=Id())
@connected
def get(api: "Api", printer: Printer, subscription_id: str) -> None:
    """Show one subscription."""
    printer.record(webhooks.read(api, subscription_id), ALONE)


def wished(*, required: bool) -> Callable[[Command], Command]:
    """The options that say what a subscription is; `required` where there is nothing yet to keep."""
    only = "Of this job alone; repeat it for several." + (" Default: of all jobs." if required else "")
    options = (
        click.option("--name", required=required, help="What it is called; goes out with every delivery."),
        click.option("--client-url", required=required, help="Where deliveries go, http or https."),
        click.option(
            "--event-type", "event_types", multiple=True, required=required, metavar="TYPE", help=EVENT_TYPES_HELP
        ),
        click.option("--job-id", "job_ids", multiple=True, type=Number(), help=only),
        click.option("--description", help="A word for people."),
        click.option("--active/--inactive", default=None, help="Whether anything is sent to it."),
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@subscriptions.command()
@wished(required=True)
@connected
def create(api: "Api", printer: Printer, **wish: Any) -> None:
    """Make a subscription. Its signing secret is shown this once."""
    made = webhooks.make(api, {"active": True} | named(wish))
    printer.record(made, ALONE)
    signing_secrets.show_secret(printer, made)


@subscriptions.command()
@click.argument("subscription_id", type=Id())
@wished(required=False)
@click.option("--all-jobs", is_flag=True, help="Of all jobs from now on.")
@connected
def update(api: "Api", printer: Printer, subscription_id: str, all_jobs: bool, **wish: Any) -> None:
    """Change what is named, keep the rest.

    What somebody else changes at the same moment may be lost: the API replaces a subscription as a whole. A changed
    --client-url makes an inactive subscription active.
    """
    if all_jobs and wish["job_ids"]:
        raise click.UsageError("--all-jobs or --job-id, not both")
    changes = named(wish) | ({"job_ids": []} if all_jobs else {})
    if not changes:
        raise click.UsageError("name what to change, such as --inactive")
    before = webhooks.read(api, subscription_id)
    kept = {key: before[key] for key in REPLACED if key in before}
    printer.record(webhooks.replace(api, subscription_id, kept | changes), ALONE)


@subscriptions.command()
@click.argument("subscription_id", type=Id())
@connected
def delete(api: "Api", printer: Printer, subscription_id: str) -> None:
    """Delete a subscription and its signing secret."""
    webhooks.remove(api, subscription_id)
    printer.record({"id": subscription_id}, [Column("DELETED", "id")])


@subscriptions.command()
@click.argument("subscription_id", type=Id())
@connected
def test(api: "Api", printer: Printer, subscription_id: str) -> int:
    """Send one signed test event.

    Tells what the endpoint answered within 10 s. Exit code 6 unless that was a 2xx.
    """
    outcome = webhooks.send_test(api, subscription_id)
    printer.record(outcome, OF_A_TEST)
    if is_success(outcome):
        return ExitCode.DONE
    if not outcome.get("verification_error"):
        note("the endpoint failed the test: it must answer 2xx")
    return ExitCode.ENDPOINT_FAILED


def is_success(outcome: Mapping[str, Any]) -> bool:
    """Whether the endpoint took the test event."""
    return not outcome.get("verification_error") and str(outcome.get("verification_status_code")).startswith("2")


def named(wish: Mapping[str, Any]) -> dict[str, Any]:
    """What was said, of all that could have been."""
    said = {key: value for key, value in wish.items() if value is not None and value != ()}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in said.items()}
