"""A run ends within its limit, in one line when it could not be made, and with exit code 1 when it cannot be trusted."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bench import command
from bench.programs import ProgramError

pytestmark = pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="needs Linux: /proc")


class Result:
    def __init__(self, failed: bool) -> None:
        self.failed = failed

    def as_text(self) -> str:
        return "a table"

    def as_json(self) -> dict[str, Any]:
        return {"figure": 1}


async def good() -> Result:
    return Result(failed=False)


async def lossy() -> Result:
    return Result(failed=True)


async def broken() -> Result:
    raise ProgramError("it broke")


async def endless() -> Result:
    await asyncio.Event().wait()
    raise AssertionError


async def ended() -> Result:
    os.kill(os.getpid(), signal.SIGTERM)
    return await endless()


@pytest.mark.parametrize(
    ("bench", "code", "said"),
    [
        (good, 0, ""),
        (lossy, 1, ""),
        (broken, 1, "bench: it broke\n"),
        (endless, 1, "bench: not done within 0 s\n"),
        (ended, 1, "bench: told to end\n"),
    ],
)
def test_how_a_run_ends(
    bench: Callable[[], Awaitable[Result]], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.carry_out(bench, 0.3, None) == code
    assert capsys.readouterr().err == said


def test_a_result_is_saved_under_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    assert command.carry_out(good, 5.0, "mine") == 0
    assert (tmp_path / "mine.json").read_text() == '{\n  "figure": 1\n}\n'
