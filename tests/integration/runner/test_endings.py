"""How runs, services and runners come to their ends, and that no process outlives them."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.integration.runner.conftest import StartRunner, python_command
from tests.support.run_service import KeptRun, MemoryRunService

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: there alone can a process adopt orphans")

# A family: the command, a child that ignores SIGTERM, a grandchild in a session of its own. Their pids go to a file.
FAMILY = """
import os, signal, sys, time
def note(): os.write(notes, b"%d\\n" % os.getpid())
notes = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
    note()
    time.sleep(600)
note()
time.sleep(600)
"""


async def family_of(notes: Path) -> list[psutil.Process]:
    """The three, once all are there."""
    async with asyncio.timeout(10):
        while not notes.exists() or len(notes.read_text().split()) < 3:  # noqa: ASYNC110 - other processes write it
            await asyncio.sleep(0.02)
    return [psutil.Process(int(pid)) for pid in notes.read_text().split()]


async def gone(family: list[psutil.Process], seconds: float = 10) -> bool:
    """Whether all of them end in time."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, timeout=seconds)
    return not alive


async def started_family(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path, *, seconds: int = 60, **settings: object
) -> tuple[int, list[psutil.Process], asyncio.subprocess.Process]:
    notes = tmp_path / "pids"
    runner = await start_runner({"family": python_command(FAMILY, str(notes))}, **settings)
    run_id = await service.add("family", timeout={"seconds": seconds})
    return run_id, await family_of(notes), runner


@linux
async def test_a_timeout_kills_the_whole_family(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    run_id, family, _ = await started_family(service, start_runner, tmp_path, seconds=1)
    report = (await service.until(run_id, "stored")).report
    assert report is not None
    assert (report.reason, report.message, report.HasField("exit_code")) == ("timed_out", "killed after 1 s", False)
    assert await gone(family, 0)


@linux
async def test_kill_9_of_the_runner_leaves_no_process_and_the_next_runner_clears_up_its_files(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    _, family, runner = await started_family(service, start_runner, tmp_path)
    runner.kill()
    assert await gone(family)
    left = set((tmp_path / "work").glob("runner-*"))
    assert len(left) == 1
    await start_runner({"wait": 'argv = ["true"]\n'})
    run_id = await service.add("wait")
    await service.until(run_id, "stored")
    assert not left & set((tmp_path / "work").glob("runner-*"))


@linux
async def test_what_a_command_leaves_behind_ends_with_it(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    code = FAMILY.replace("note()\ntime.sleep(600)\n", "note()\ntime.sleep(0.5)\n")
    notes = tmp_path / "pids"
    await start_runner({"family": python_command(code, str(notes))})
    run_id = await service.add("family")
    family = await family_of(notes)
    report = (await service.until(run_id, "stored")).report
    assert report is not None
    assert report.exit_code == 0
    assert await gone(family, 0)


@linux
async def test_a_lost_lease_kills_the_family_and_nothing_is_reported(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    run_id, family, _ = await started_family(service, start_runner, tmp_path, runner_heartbeat_seconds=0.2)
    await service.until_true(lambda: service.runs[run_id].beats > 0)
    service.take_away(run_id)
    assert await gone(family, 20)
    await service.until_true(lambda: service.requests[-1].free_slots == 4)
    assert service.runs[run_id].report is None


async def test_a_runner_finds_its_service_again_and_reports_what_ended_meanwhile(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    code = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)"
    await start_runner({"wait": python_command(code)})
    first = await service.add("wait")
    await service.until(first, "running")
    await service.stop()
    gate.touch()
    second = await service.add("wait")
    await service.serve()
    for run_id in (first, second):
        run = await service.until(run_id, "stored")
        assert run.report is not None
        assert run.report.exit_code == 0


async def test_sigterm_lets_a_run_finish_and_takes_no_other(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    code = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)"
    runner = await start_runner({"wait": python_command(code)})
    run_id = await service.add("wait")
    await service.until(run_id, "running")
    runner.send_signal(signal.SIGTERM)
    await service.until_true(lambda: service.streams == 0)
    waiting = await service.add("wait")
    gate.touch()
    run = await service.until(run_id, "stored")
    assert run.report is not None
    assert run.report.exit_code == 0
    assert await asyncio.wait_for(runner.wait(), 10) == 0
    assert service.runs[waiting].state == "pending"


@linux
async def test_sigterm_stops_what_does_not_finish_within_the_grace_and_says_so(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    run_id, family, runner = await started_family(service, start_runner, tmp_path, grace_seconds=5)
    began = time.monotonic()
    runner.send_signal(signal.SIGTERM)
    report = (await service.until(run_id, "stored")).report
    assert report is not None
    assert (report.reason, report.message) == ("command_failed", "runner was stopped")
    assert await asyncio.wait_for(runner.wait(), 10) == 0
    assert time.monotonic() - began < 5
    assert await gone(family, 0)


async def test_a_command_that_prints_for_ever_costs_the_runner_no_memory(
    service: MemoryRunService, start_runner: StartRunner
) -> None:
    code = "import os\nfor _ in range(3000): os.write(1, b'x' * 65535 + b'\\n')\nprint('the end')"
    runner = await start_runner({"print": python_command(code)})
    before = psutil.Process(runner.pid)
    first = await service.until(await service.add("print"), "stored")
    small = before.memory_info().rss
    run = await service.until(await service.add("print"), "stored")
    for one in (first, run):
        assert last_word(one) == "the end"
    assert before.memory_info().rss - small < 8 << 20


async def test_bad_settings_and_bad_commands_are_named_at_once_and_nothing_starts(
    service: MemoryRunService, start_runner: StartRunner, capfd: pytest.CaptureFixture[str]
) -> None:
    runner = await start_runner({"a": 'argv = ["x", "{nobody}"]\n', "b": 'argv = []\nshell = "yes"\n'})
    assert await runner.wait() == 2
    said = capfd.readouterr().err
    for problem in ("commands.a.argv.1: {nobody}", "commands.b.argv: ", "commands.b.shell: "):
        assert problem in said
    runner = await start_runner({"a": 'argv = ["x"]\n'}, runner_slots=0, runner_slot=1)
    assert await runner.wait() == 2
    said = capfd.readouterr().err
    assert "RUNHOOK_RUNNER_SLOTS: " in said
    assert "did you mean RUNHOOK_RUNNER_SLOTS?" in said


def last_word(run: KeptRun) -> str:
    """What was reported."""
    assert run.report is not None
    return run.report.message
