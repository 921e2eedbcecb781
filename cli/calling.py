"""`runhook triggers send`: a test call to a webhook's own URL. Invariant: the service token does not go there."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import executions, windows
from cli.given import text_of
from cli.headers import parse
from cli.options import Id, connected
from cli.printer import Printer
from cli.shown import Column, printable
from cli.trouble import ExitCode, Trouble
from cli.watcher import follow

if TYPE_CHECKING:
    from cli.api import Api, Record

#: More than the largest call, so that the platform sees that it is too large.
MOST_BYTES = 2 * 1024 * 1024
#: A call is in the newest window unless others came meanwhile.
WINDOWS_TO_LOOK_AT = 5
ANSWER = (
    Column("STATUS", "status"),
    Column("CALL", "call_id"),
    Column("CAME BEFORE", "duplicate"),
    Column("SAYS", "body"),
)


@click.command()
@click.argument("trigger_id", type=Id())
@click.option("--data", metavar="TEXT", help="The body.")
@click.option("--file", type=click.Path(path_type=Path), metavar="FILE", help="The body from a file, - being stdin.")
@click.option("--content-type", default="application/json", show_default=True, metavar="TYPE", help="What it is.")
@click.option(
    "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="One more, such as a signature; repeat it."
)
@click.option("--wait", is_flag=True, help="Wait for its window to close and for what it sets going.")
@connected
def send(
    api: "Api",
    printer: Printer,
    trigger_id: str,
    data: str | None,
    file: Path | None,
    content_type: str,
    headers: tuple[str, ...],
    wait: bool,
) -> int:
    """Post a test call to a webhook's URL, as its sender would.

    It is a call like every other: it counts, and is executed. With --wait exit code 1 unless the execution SUCCEEDED.
    The URL is asked for as `reveal` does.
    """
    more = parse("\n".join(headers)) if headers else {}
    url = str(api.call("POST", f"{api.v1}/triggers/{trigger_id}/reveal")["url"])
    answer = _post(api, url, text_of(data, file, MOST_BYTES), {"Content-Type": content_type} | more)
    if not wait or not answer["call_id"] or answer["duplicate"]:
        printer.record(answer, ANSWER)
        return ExitCode.DONE
    window_id = _window_of(api, trigger_id, str(answer["call_id"]))
    window = follow(lambda: windows.window_of(api, trigger_id, window_id), _gathering, _is_closed)
    execution = follow(lambda: _execution_of(api, window_id), executions.progress, executions.has_ended)
    if printer.as_json:
        printer.document(answer | {"window": window, "execution": execution})
    else:
        printer.record(answer, ANSWER)
        click.echo()
        printer.record(execution, executions.ALONE)
    return ExitCode.DONE if execution.get("state") == "SUCCEEDED" else ExitCode.REFUSED


def _post(api: "Api", url: str, body: bytes, headers: dict[str, str]) -> "Record":
    import httpx

    from cli.api import is_loopback, trust
    from cli.refusal import Answer

    settings = replace(api.settings, url=url)
    place = url.rpartition("/")[0]  # the rest is a secret
    try:
        with httpx.Client(verify=trust(settings), trust_env=not is_loopback(url), timeout=settings.timeout) as client:
            response = client.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Trouble(
            f"{place}/... cannot be called ({error}): the call may have come all the same", ExitCode.AWAY
        ) from None
    if not response.is_success:
        Answer(status=response.status_code, headers=response.headers, body=response.content).document(place)
    return {
        "status": response.status_code,
        "call_id": response.headers.get("x-call-id"),
        "duplicate": "x-duplicate" in response.headers,
        "body": printable(response.text),
    }


def _window_of(api: "Api", trigger_id: str, call_id: str) -> str:
    """The number of the window that holds the call: it was committed before the answer."""
    for window in windows.windows_of(api, trigger_id, WINDOWS_TO_LOOK_AT):
        number = str(window["window_id"])
        if any(one.get("call_id") == call_id for one in windows.calls_of(api, trigger_id, number)):
            return number
    raise Trouble(f"call {call_id} was taken, but is in none of the newest windows", ExitCode.NOT_FOUND)


def _gathering(window: "Record") -> str:
    return f"window {window.get('window_id')} {window.get('state')}, {window.get('size')} of {window.get('threshold')} calls"


def _is_closed(window: "Record") -> bool:
    return window.get("state") == "CLOSED"


def _execution_of(api: "Api", window_id: str) -> "Record":
    """What the window set going, in the transaction that closed it."""
    for execution in api.all_of(f"{api.v1}/executions", "executions", {"window_id": window_id}, 1):
        return execution
    raise Trouble(f"window {window_id} is closed, but its execution is not to be found", ExitCode.NOT_FOUND)
