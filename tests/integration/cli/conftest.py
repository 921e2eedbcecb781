"""The command inside a test, far from any platform that the person who tests has; and a platform of the tests' own."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from tests.support.linux import need_linux
from tests.support.standalone import Standalone


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


Runhook = Callable[..., Awaitable[Ran]]
EVENT = Path(__file__).parents[3] / "examples" / "payloads" / "job.run.completed.json"
NOWHERE = "http://127.0.0.1:1/"


@pytest.fixture
def runhook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runhook:
    """`await runhook("accounts", "list")`, in an empty directory and without variables of ours."""
    for name in [name for name in os.environ if name.startswith("RUNHOOK_") or name == "DATA_DIR"]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    async def run(*arguments: str) -> Ran:
        code = await asyncio.to_thread(main, arguments)
        said = capsys.readouterr()
        return Ran(code=int(code), out=said.out, err=said.err)

    return run


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """What `make run` starts, once for all of these tests; its account is the operator's, too."""
    need_linux()
    with Standalone(tmp_path_factory.mktemp("platform") / "data", RUNHOOK_OPERATOR_ACCOUNT_ID="1") as running:
        yield running


@pytest.fixture
def beside(standalone: Standalone, runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> Runhook:
    """The same command beside that platform's data directory."""
    monkeypatch.setenv("DATA_DIR", str(standalone.data_dir))
    return runhook


def shown(ran: Ran) -> Any:
    """The one JSON document of a command that worked."""
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


async def subscribe(runhook: Runhook, client_url: str = NOWHERE, *more: str) -> Any:
    """A subscription to completed runs, with its secret."""
    call = ("--name", "one", "--client-url", client_url, "--event-type", "job.run.completed", "--json")
    return shown(await runhook("subscriptions", "create", *call, *more))


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what another process does."""
    async with asyncio.timeout(20):
        while not await found():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.1)


async def delivered(runhook: Runhook, subscription_id: str) -> Any:
    """The one delivery of a subscription, once it is final."""
    found: list[Any] = []

    async def is_final() -> bool:
        found[:] = shown(await runhook("deliveries", "list", subscription_id, "--json"))
        return bool(found) and found[0]["finished_at"] is not None

    await until(is_final)
    [delivery] = found
    return delivery


async def publish(runhook: Runhook) -> str:
    """The id of an event of a completed run."""
    [event_id] = shown(await runhook("events", "publish", str(EVENT), "--json"))["eventIds"]
    return str(event_id)
