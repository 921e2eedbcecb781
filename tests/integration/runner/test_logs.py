"""What a run prints is read while it runs: in order, whole, bounded, and not of a run that somebody else has."""

import asyncio
from pathlib import Path

from tests.integration.runner.conftest import StartRunner, python_command
from tests.support.run_service import MemoryRunService

GATED = "import os, sys, time\n{}\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)\nprint('end')"


async def test_a_log_is_there_while_its_run_goes_on_and_its_end_when_it_is_reported(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    await start_runner({"say": python_command(GATED.format("print('begun', flush=True)"), str(gate))})
    run_id = await service.add("say")
    await service.until_true(lambda: service.runs[run_id].log == b"begun\n", seconds=10)
    assert service.runs[run_id].state == "running"
    gate.touch()
    run = await service.until(run_id, "finished")
    assert run.log == b"begun\nend\n"


async def test_a_log_is_whole_and_once_however_often_its_pieces_are_sent(
    service: MemoryRunService, start_runner: StartRunner
) -> None:
    code = "import os\nfor n in range(20_000): print(n, 'é' * 50)\nprint(end='', flush=True); os.write(2, b'\\xff')"
    service.log_breaks = 3
    await start_runner({"say": python_command(code)})
    run = await service.until(await service.add("say"), "stored")
    assert run.log.decode() == "".join(f"{n} {'é' * 50}\n" for n in range(20_000)) + "\N{REPLACEMENT CHARACTER}"
    assert max(size for _, size in run.pieces) <= 256 * 1024


async def test_beyond_the_limit_nothing_is_sent_and_the_run_is_reported_all_the_same(
    service: MemoryRunService, start_runner: StartRunner
) -> None:
    service.log_limit = 100_000
    code = "for n in range(200_000): print('x' * 99)\nprint('the end')"
    await start_runner({"say": python_command(code)})
    run = await service.until(await service.add("say"), "stored")
    assert len(run.log) == 100_000
    assert sum(size for _, size in run.pieces) < 1 << 20
    assert run.report is not None
    assert run.report.message == "the end"


async def test_of_a_run_that_somebody_else_has_nothing_is_logged_and_its_command_is_killed_at_once(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    code = (
        f"import os, time\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))\n"
        "while True: print('still here', flush=True); time.sleep(0.05)"
    )
    await start_runner({"say": python_command(code)})  # its heart beats every 10 s: the log is told first
    run_id = await service.add("say")
    await service.until_true(lambda: bool(service.runs[run_id].log), seconds=10)
    service.take_away(run_id)
    seen = service.runs[run_id].log
    pid = int(pid_file.read_text())
    async with asyncio.timeout(8):
        while Path(f"/proc/{pid}").exists():  # noqa: ASYNC110 - another process ends
            await asyncio.sleep(0.02)
    await service.until_true(lambda: service.requests[-1].free_slots == 4)
    assert (service.runs[run_id].log, service.runs[run_id].report) == (seen, None)


async def test_a_second_attempt_goes_on_where_the_log_of_the_first_ends(
    service: MemoryRunService, start_runner: StartRunner
) -> None:
    await start_runner({"say": python_command("print('second')")})
    run_id = await service.add("say", log_bytes=6)
    service.runs[run_id].log = b"first\n"
    run = await service.until(run_id, "stored")
    assert run.log == b"first\nsecond\n"


async def test_a_service_that_is_away_for_a_while_costs_no_line(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    more = "for n in range(30_000): print('x' * 99)"  # more than may wait: the command waits, too
    code = f"import os, sys, time\nprint('begun', flush=True)\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)\n{more}"
    await start_runner({"say": python_command(code, str(gate))})
    run_id = await service.add("say")
    await service.until_true(lambda: bool(service.runs[run_id].log))
    await service.stop()
    gate.touch()
    await asyncio.sleep(2)  # how long it is away: nothing can be awaited
    await service.serve()
    run = await service.until(run_id, "stored")
    assert run.log == b"begun\n" + (b"x" * 99 + b"\n") * 30_000


async def test_the_runners_passthrough_goes_along_with_the_request_for_a_payload(
    service: MemoryRunService, start_runner: StartRunner
) -> None:
    await start_runner({"say": python_command("pass")})
    first = await service.until(await service.add("say", payload=b"[]"), "stored")
    assert first.passthrough is None
    await start_runner({"other": python_command("pass")}, runner_passthrough="false")
    second = await service.until(await service.add("other", payload=b"[]"), "stored")
    assert second.passthrough is False
