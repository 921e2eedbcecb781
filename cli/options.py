"""Options that several commands have. Invariant: each is written once, so it means the same everywhere."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from cli.printer import Printer
from cli.settings import DEFAULT_TIMEOUT, DEFAULT_URL, Named, settle

Command = Callable[..., Any]
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SPAN = re.compile(r"([0-9]{1,5})([smhd])")
_DATE = re.compile(r"[0-9]{4}-")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Id(click.ParamType[str]):
    """An id as it stands in a URL's path: nothing that would lead to another path."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself."""
        if not _ID.fullmatch(str(value)):
            self.fail("an id has letters, digits, - and _ only", param, ctx)
        return str(value)


class Number(click.ParamType[int]):
    """A 64-bit number above 0, as accounts and jobs have."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        text = str(value)
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
        if not 0 < number < 2**63:
            self.fail("must be a number above 0", param, ctx)
        return number


class Time(click.ParamType[str]):
    """A time as RFC 3339 has it, or a span before now by this machine's clock: 90s, 30m, 2h, 3d."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """A time in UTC for a span; what begins as a date goes to the platform as it is."""
        span = _SPAN.fullmatch(str(value))
        if span is None:
            if not _DATE.match(str(value)):
                self.fail(
                    "must be a time such as 2026-11-30T12:00:00Z, or so long ago, such as 90s, 30m, 2h, 3d", param, ctx
                )
            return str(value)
        before = datetime.now(UTC) - timedelta(seconds=int(span[1]) * _UNITS[span[2]])
        return before.isoformat(timespec="seconds").replace("+00:00", "Z")


class Things(click.Group):
    """Commands about one kind of thing, of which `get` may be called `show`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        return super().get_command(ctx, "get" if cmd_name == "show" else cmd_name)


limited = click.option("--limit", type=Number(), help="How many at most. Default: all.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the answer as one JSON document.")
_ACCOUNT = click.option(
    "--account",
    envvar="RUNHOOK_ACCOUNT",
    show_envvar=True,
    type=Number(),
    help="The account's number. Default: the only one that the token sees.",
)
_CONNECTION = (
    click.option(
        "--url", envvar="RUNHOOK_URL", show_envvar=True, metavar="URL", help=f"The platform's address.  [{DEFAULT_URL}]"
    ),
    click.option(
        "--token-file",
        envvar="RUNHOOK_TOKEN_FILE",
        show_envvar=True,
        type=click.Path(path_type=Path),
        help="File with the service token.",
    ),
    click.option(
        "--token",
        envvar="RUNHOOK_TOKEN",
        show_envvar=True,
        help="The service token itself. Others on this machine can see a command's arguments: a file is better.",
    ),
    click.option(
        "--ca-file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Certificates of a private CA, beside the system's.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(0, 3600, min_open=True),
        default=DEFAULT_TIMEOUT,
        metavar="SECONDS",
        help=f"For one call to the platform, with its retries.  [{DEFAULT_TIMEOUT:g}]",
    ),
)


def connectable(command: Command, *, of_account: bool = True) -> Command:
    """Add the options that say which platform, and as whom."""
    for option in reversed((*_CONNECTION, _ACCOUNT) if of_account else _CONNECTION):
        command = option(command)
    return command


def connected(command: Command, *, of_account: bool = True) -> Command:
    """The same and --json; the command gets an open Api and a Printer as its first arguments."""

    @wraps(command)
    @click.pass_context
    def called(context: click.Context, /, *, as_json: bool, **options: Any) -> Any:
        from cli.api import Api

        with Api(settle(take_named(context, options))) as api:
            return command(api, Printer(as_json=as_json), **options)

    return _JSON(connectable(called, of_account=of_account))


#: For commands that are about no account, or about all.
connected_at_large = partial(connected, of_account=False)


def take_named(context: click.Context, options: dict[str, Any]) -> Named:
    """Take what `connectable` added out of all options. What was typed goes before what the environment says."""
    typed = {
        name
        for name in ("token", "token_file")
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }
    if len(typed) == 2:
        raise click.UsageError("--token-file or --token, not both", context)
    token, token_file = options.pop("token"), options.pop("token_file")
    return Named(
        url=options.pop("url"),
        token=token,
        token_file=None if typed == {"token"} else token_file,
        account_id=options.pop("account", None),
        ca_file=options.pop("ca_file"),
        timeout=options.pop("timeout"),
    )
