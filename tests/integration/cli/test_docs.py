"""What docs/cli.md tells people to type works, on the platform that `make run` starts."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.settings import VARIABLES
from cli.trouble import ExitCode
from tests.integration.cli.conftest import Runhook, subscribe
from tests.support.receiver import Receiver
from tests.support.service_process import free_port
from tests.support.standalone import Standalone

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "cli.md").read_text()
OF_RUNS = PAGE.partition("\n## Run something\n")[2].partition("\n## ")[0]
TRIGGERS = (ROOT / "docs" / "triggers.md").read_text()
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
LISTEN = "runhook listen --subscribe\n"


@pytest.fixture
def folder(standalone: Standalone, tmp_path: Path) -> Path:
    """Where `make run` was typed."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / ".runhook").symlink_to(standalone.data_dir)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    return tmp_path


def start(script: str, folder: Path) -> "subprocess.Popen[str]":
    """A terminal that runs it."""
    path = f"{folder}/.venv/bin:{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNHOOK_")}
    return subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment | {"PATH": path, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def blocks(text: str) -> list[str]:
    """What is to be typed."""
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_every_command_of_the_page_works(folder: Path) -> None:
    first, listen, *others = blocks(PAGE.replace(OF_RUNS, ""))
    assert listen == LISTEN
    assert run(first.replace("9000", str(free_port())), folder).count("is not shown again") == 1
    with start(f"exec {listen.strip()} --port 0", folder) as listener:
        assert listener.stderr is not None
        assert any("subscribed as" in line for line in listener.stderr)
        said = run("".join(others), folder)
        listener.send_signal(signal.SIGINT)
        heard, _ = listener.communicate(timeout=30)
    assert listener.returncode == 0
    assert heard.count("Authorization valid  webhook-signature valid") == 3  # the test, the event, and that again
    assert said.count("is not shown again") == 2


def test_every_command_that_runs_something_works(folder: Path) -> None:
    said = run("".join(blocks(OF_RUNS)), folder)
    assert "SUCCEEDED, 1 of 1 runs over" in said
    assert json.loads((folder / "payload.json").read_text()) == []
    assert (folder / "size.txt").read_text() == "2\n"


def test_every_command_of_the_page_of_triggers_works(folder: Path) -> None:
    for sender in ("stripe", "slack"):
        (folder / f"{sender}-secret.txt").write_text("agreed on with the sender\n")
    said = run("".join(blocks(TRIGGERS)), folder)
    assert said.count("who has the URL can start it: keep it secret") == 5
    assert "CLOSED, 2 of 2 calls" in said


async def test_what_the_runbook_says_after_an_outage_works(folder: Path, beside: Runhook) -> None:
    [commands] = blocks(RUNBOOK)
    async with Receiver(204) as endpoint:
        made = await subscribe(beside, endpoint.url)
        said = await asyncio.to_thread(run, f"ID={made['id']}\n{commands}", folder)
    assert said == "runhook: 0 of 0 back in the queue\nrunhook: no such deliveries\n"


def run(script: str, folder: Path) -> str:
    """What it says beside its answers; it must succeed."""
    terminal = start(script, folder)
    _, said = terminal.communicate(timeout=90)
    assert terminal.returncode == 0, said
    return said


def test_the_page_names_every_exit_code_and_every_variable() -> None:
    assert set(re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)) == {str(int(code)) for code in ExitCode}
    assert set(re.findall(r"`(RUNHOOK_\w+)`", PAGE)) == set(VARIABLES)
