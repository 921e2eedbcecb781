"""The command inside a test, far from any platform that the person who tests has; and a platform of the tests' own."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

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
