"""`runhook triggers windows|window|calls|flush`: what gathers at a trigger. Invariant: bodies are shown, never interpreted."""

import base64
from typing import TYPE_CHECKING, Any

import click

from cli.options import Id, Number, connected, limited
from cli.printer import Printer
from cli.shown import Column, moment, plain
from cli.trouble import ExitCode, Trouble

if TYPE_CHECKING:
    from cli.api import Api, Query, Record

WINDOWS = (
    Column("WINDOW", "window_id"),
    Column("STATE", "state"),
    Column("CALLS", "size"),
    Column("OF", "threshold"),
    Column("OPENED", "opened_at", moment),
    Column("DEADLINE", "deadline_at", moment),
    Column("CLOSED", "closed_at", moment),
    Column("BECAUSE", "close_reason"),
)


def body(value: Any) -> str:
    """A body, from base64."""
    return plain(base64.b64decode(value).decode("utf-8", "backslashreplace") if value else None)


CALLS = (
    Column("CALL", "call_id"),
    Column("NUMBER", "sequence_number"),
    Column("MEDIA TYPE", "media_type"),
    Column("BYTES", "size_bytes"),
    Column("RECEIVED", "received_at", moment),
)
BODY = Column("BODY", "body_base64", body)


@click.command()
@click.argument("trigger_id", type=Id())
@limited
@connected
def windows(api: "Api", printer: Printer, trigger_id: str, limit: int | None) -> None:
    """List a webhook's windows, newest first."""
    printer.rows(windows_of(api, trigger_id, limit), WINDOWS, none="no call came yet")


@click.command()
@click.argument("trigger_id", type=Id())
@click.argument("window_id", type=Number())
@connected
def window(api: "Api", printer: Printer, trigger_id: str, window_id: int) -> None:
    """Show one window of a webhook."""
    printer.record(window_of(api, trigger_id, str(window_id)), WINDOWS)


@click.command()
@click.argument("trigger_id", type=Id())
@click.option("--window", "window_id", type=Number(), metavar="NUMBER", help="The window.  [the newest]")
@click.option("--bodies", is_flag=True, help="Show their bodies; in JSON they are base64.")
@limited
@connected
def calls(
    api: "Api", printer: Printer, trigger_id: str, window_id: int | None, bodies: bool, limit: int | None
) -> None:
    """List the calls of a window, in their order."""
    number = str(window_id) if window_id else _newest(api, trigger_id)
    found = calls_of(api, trigger_id, number, with_bodies=bodies, limit=limit)
    printer.rows(found, (*CALLS, BODY) if bodies else CALLS, none="no calls")


@click.command()
@click.argument("trigger_id", type=Id())
@connected
def flush(api: "Api", printer: Printer, trigger_id: str) -> None:
    """Close the open window now, and execute it. Exit code 1 when none is open."""
    closed = api.call("POST", f"{api.v1}/triggers/{trigger_id}/flush")
    if printer.as_json:
        printer.document(closed)
    else:
        printer.record({**(closed.get("window") or {}), **closed}, (*WINDOWS, Column("EXECUTION", "execution_id")))


def windows_of(api: "Api", trigger_id: str, limit: int | None) -> "list[Record]":
    """Its windows, newest first."""
    return api.all_of(f"{api.v1}/triggers/{trigger_id}/windows", "windows", {}, limit)


def window_of(api: "Api", trigger_id: str, window_id: str) -> "Record":
    """One of its windows."""
    return api.call("GET", f"{api.v1}/triggers/{trigger_id}/windows/{window_id}")


def calls_of(
    api: "Api", trigger_id: str, window_id: str, *, with_bodies: bool = False, limit: int | None = None
) -> "list[Record]":
    """A window's calls, in their order."""
    query: Query = {"with_bodies": "true" if with_bodies else "false"}
    return api.all_of(f"{api.v1}/triggers/{trigger_id}/windows/{window_id}/calls", "calls", query, limit)


def _newest(api: "Api", trigger_id: str) -> str:
    found = windows_of(api, trigger_id, 1)
    if not found:
        raise Trouble("no call came yet", ExitCode.NOT_FOUND)
    return str(found[0]["window_id"])
