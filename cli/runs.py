"""`runhook runs`: one task run inside an execution. Invariant: of a followed log every byte is printed once."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.downloads import Screen, deliver, into
from cli.executions import BECAUSE, CREATED, FINISHED, STATE, TASK, UNFINISHED
from cli.given import FileName
from cli.options import Number, Things, connected
from cli.printer import Printer
from cli.shown import Column, moment

if TYPE_CHECKING:
    from cli.api import Api

PAUSE = 0.5
ALONE = (
    Column("RUN", "run_id"),
    TASK,
    Column("EXECUTION", "execution_id"),
    Column("STEP", "step"),
    STATE,
    BECAUSE,
    Column("MESSAGE", "message"),
    Column("EXIT CODE", "exit_code"),
    Column("LOG BYTES", "log_bytes"),
    Column("LOG CUT", "log_truncated"),
    Column("ARTIFACTS", "artifact_names"),
    CREATED,
    Column("STARTED", "started_at", moment),
    FINISHED,
)
ARTIFACTS = (Column("NAME", "name"), Column("MEDIA TYPE", "media_type"))


@click.group(cls=Things)
def runs() -> None:
    """Runs of tasks: how they ended, their logs and artifacts."""


@runs.command()
@click.argument("run_id", type=Number())
@connected
def get(api: "Api", printer: Printer, run_id: int) -> None:
    """Show one run."""
    printer.record(api.call("GET", _path(api, run_id)), ALONE)


@runs.command()
@click.argument("run_id", type=Number())
@click.option("--follow", is_flag=True, help="Print what comes until the run has ended.")
@connected
def log(api: "Api", printer: Printer, run_id: int, follow: bool) -> None:
    """Write a run's log, what there is of it now; --json changes nothing."""
    screen, offset = Screen(), 0
    while True:
        ended = not follow or api.call("GET", _path(api, run_id)).get("state") not in UNFINISHED
        piece = api.bytes_of(f"{_path(api, run_id)}/log", query={"offset": offset})
        screen.show(piece)
        offset += len(piece)
        if ended:
            return
        time.sleep(PAUSE)


@runs.command()
@click.argument("run_id", type=Number())
@connected
def artifacts(api: "Api", printer: Printer, run_id: int) -> None:
    """List the artifacts that are kept of a run."""
    found = api.call("GET", f"{_path(api, run_id)}/artifacts").get("artifacts")
    printer.rows(found or [], ARTIFACTS, none="no artifacts")


@runs.command()
@click.argument("run_id", type=Number())
@click.argument("name", type=FileName())
@into
@connected
def artifact(api: "Api", printer: Printer, run_id: int, name: str, file: Path | None) -> None:
    """Write one artifact, to the byte; --json changes nothing."""
    deliver(api.bytes_of(f"{_path(api, run_id)}/artifacts/{name}"), file)


def _path(api: "Api", run_id: int) -> str:
    return f"{api.v1}/runs/{run_id}"
