"""`runhook listen`, the command: what can be said to it. Invariant: nothing is opened before all of it was understood."""

from pathlib import Path
from typing import Any

import click

from cli.options import Number, connectable, take_named
from cli.settings import read_secret, settle
from cli.subscriptions import EVENT_TYPES_HELP

EVENT_TYPES = ("job.run.started", "job.run.completed", "job.run.errored")


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=9090, metavar="PORT", help="Where; 0 takes a free one.  [9090]"
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    envvar="RUNHOOK_SIGNING_SECRET",
    show_envvar=True,
    help="A signing secret to check with, in either form; repeat it for several. A file is better.",
)
@click.option("--secret-file", type=click.Path(path_type=Path), help="File with signing secrets, a line each.")
@click.option("--print-body", "with_body", is_flag=True, help="Print the bodies, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, with the body in it.")
@click.option(
    "--answer", type=click.IntRange(200, 599), default=200, metavar="CODE", help="The status to answer with.  [200]"
)
@click.option("--count", type=Number(), help="End after so many deliveries.")
@click.option(
    "--subscribe",
    is_flag=True,
    help="Make a subscription for this address, check with its secret, and delete it at the end. A test comes first, "
    "to see whether the platform reaches this machine; --count does not count it.",
)
@click.option(
    "--event-type", "event_types", multiple=True, metavar="TYPE", help=f"With --subscribe: {EVENT_TYPES_HELP}"
)
@click.option(
    "--job-id",
    "job_ids",
    multiple=True,
    type=Number(),
    help="With --subscribe: of this job alone; repeat it for several.",
)
@connectable
@click.pass_context
def listen(context: click.Context, /, *, subscribe: bool, secret_file: Path | None, **options: Any) -> int:
    """Receive deliveries on this machine and show them, until Ctrl-C.

    Prints a line for each: event type, event id, job, run and its status, size, and whether both signatures hold. Nobody
    but this machine can reach it. Exit code 1 if a signature was INVALID, 6 if the platform cannot reach it.
    """
    import asyncio

    from cli.api import Api
    from cli.listener import Listener, Wish

    named = take_named(context, options)
    wanted = {"event_types": options.pop("event_types") or EVENT_TYPES, "job_ids": options.pop("job_ids")}
    lines = read_secret(secret_file).split() if secret_file is not None else []
    options["secrets"] = checked([*options.pop("secrets"), *lines])
    listener = Listener(Wish(**options))
    if not subscribe:
        return asyncio.run(listener.live())
    with Api(settle(named)) as api:
        return asyncio.run(listener.live(api, wanted))


def checked(secrets: list[str]) -> list[str]:
    """The signing secrets. UsageError for one that can be none."""
    from runhook.verify import VerificationError, verify_signature

    for secret in secrets:
        try:
            verify_signature(secret, b"", "no signature")
        except VerificationError:
            continue
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    return secrets
