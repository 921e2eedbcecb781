"""One command behind its launcher: how it ends, whoever ends it, on the event loop that the runner uses."""

import asyncio
import sys
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvloop

from runner.ending import Ending, How
from runner.invocation import Invocation
from runner.process_tree import ProcessTree
from runner.tail import Tail

CHATTY_CHILD = "import os, sys, time; os.fork(); print(os.getpid(), flush=True); time.sleep(600)"


@dataclass(kw_only=True)
class Executed:
    """How a command ended, and what it printed."""

    how: How
    exit_code: int | None = None
    signal_number: int = 0
    problem: str = ""
    output: bytes = b""


class Kept(Tail):
    """An output that keeps its end."""

    def __init__(self) -> None:
        super().__init__(1_024)

    async def write(self, data: bytes) -> None:  # type: ignore[override]
        super().write(data)


async def execute(invocation: Invocation, *, seconds: float, kill_seconds: float, stop: asyncio.Event) -> Executed:
    """Runs it in a tree of its own."""
    kept = Kept()
    tree = await ProcessTree.launch(kept)
    try:
        tree.order(invocation, kill_seconds)
        how = await tree.see_through(seconds, kill_seconds, stop)
    finally:
        await asyncio.shield(tree.clear())
    ending: Ending = tree.ending(how)
    return Executed(
        how=ending.how,
        exit_code=ending.exit_code,
        signal_number=ending.signal_number,
        problem=ending.problem,
        output=kept.kept,
    )


def python(code: str, limits: Mapping[str, int] | None = None, **environment: str) -> Invocation:
    """Python with this code."""
    argv = (sys.executable, "-I", "-S", "-c", code)
    return Invocation(argv=argv, environment=environment, directory="/", limits=limits or {})


def on_uvloop(coroutine: Coroutine[Any, Any, Executed]) -> Executed:
    """Runs it to its end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


def carry_out(invocation: Invocation, *, seconds: float = 20, kill_seconds: float = 0.2) -> Executed:
    """Executes it with nobody to stop it."""

    async def once() -> Executed:
        return await execute(invocation, seconds=seconds, kill_seconds=kill_seconds, stop=asyncio.Event())

    return on_uvloop(once())


def still_alive(ending: Executed) -> list[int]:
    """Those of the pids in the output whose process lives on."""
    pids = [int(word) for word in ending.output.split()]
    assert len(pids) == 2
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=5)
    return [process.pid for process in alive]


def test_a_command_has_its_exact_environment_and_no_open_file_but_its_three() -> None:
    code = "import os; print(sorted(os.listdir('/dev/fd'))[:-1], os.environ.get('A'), len(os.environ), os.getcwd())"
    ending = carry_out(python(code, A="1 = ü\n", LC_CTYPE="C.UTF-8"))
    assert ending.output.decode() == "['0', '1', '2'] 1 = ü\n 2 /\n"


def test_a_command_that_ignores_sigterm_is_killed_after_its_grace() -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    ending = carry_out(python(code), seconds=0.5)
    assert (ending.how, ending.signal_number, ending.exit_code) == (How.TIMED_OUT, 9, None)


def test_a_command_that_heeds_sigterm_may_say_goodbye_but_counts_as_timed_out() -> None:
    code = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit(0)));"
        "print('ready', flush=True); time.sleep(600)"
    )
    ending = carry_out(python(code), seconds=1, kill_seconds=10)
    assert (ending.how, ending.exit_code, ending.output) == (How.TIMED_OUT, None, b"ready\nbye\n")


@pytest.mark.parametrize(
    ("argv", "environment", "problem"),
    [
        (("not-there",), {}, "No such file or directory"),
        (("/etc/passwd",), {}, "Permission denied"),
        (("true",), {"A": "x" * 131_071}, "Argument list too long"),
    ],
)
def test_what_the_system_cannot_start_says_why(
    argv: tuple[str, ...], environment: dict[str, str], problem: str
) -> None:
    ending = carry_out(Invocation(argv=argv, environment=environment, directory="/"))
    assert (ending.how, ending.problem) == (How.NOT_STARTED, f"{argv[0]} cannot be started: {problem}")


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: PR_SET_PDEATHSIG")
def test_a_command_dies_with_its_launcher() -> None:
    # The elder alone kills: the younger's parent is the elder, not the launcher.
    kill = "time.sleep(0.5), os.kill(os.getppid(), 9)"
    code = CHATTY_CHILD.replace("os.fork();", "elder = os.fork();").replace(
        "time.sleep(", f"elder and ({kill}); time.sleep("
    )
    ending = carry_out(python(code))
    assert (ending.how, ending.problem) == (How.EXITED, "its launcher was killed")
    assert still_alive(ending) == []


def test_a_cancelled_execution_leaves_nothing_behind(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = CHATTY_CHILD.replace(
        "print(os.getpid(), flush=True)", f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}} ')"
    )

    async def cancel() -> Executed:
        going = asyncio.create_task(execute(python(code), seconds=60, kill_seconds=5, stop=asyncio.Event()))
        async with asyncio.timeout(10):
            while not pids.exists() or len(pids.read_text().split()) < 2:  # noqa: ASYNC110 - other processes write it
                await asyncio.sleep(0.02)
        going.cancel()
        await asyncio.wait([going])
        return Executed(how=How.STOPPED, output=pids.read_bytes())

    assert still_alive(on_uvloop(cancel())) == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: that the limits are inherited is its word")
def test_limits_hold_for_the_command_and_what_it_starts_and_no_core_is_written() -> None:
    code = (
        "import os, resource, sys\n"
        "if os.fork(): os.wait(); sys.exit(0)\n"
        "for name in ('RLIMIT_CORE', 'RLIMIT_NOFILE', 'RLIMIT_FSIZE'): print(resource.getrlimit(getattr(resource, name)))"
    )
    ending = carry_out(python(code, {"RLIMIT_NOFILE": 50, "RLIMIT_FSIZE": 4096}))
    assert ending.output.decode() == "(0, 0)\n(50, 50)\n(4096, 4096)\n"


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: RLIMIT_CPU kills there")
def test_a_command_that_uses_up_its_cpu_time_is_killed_by_the_kernel() -> None:
    ending = carry_out(python("while True: pass", {"RLIMIT_CPU": 1}))
    assert (ending.how, ending.exit_code, ending.signal_number) == (How.EXITED, None, 9)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: RLIMIT_AS holds there")
def test_a_command_that_wants_more_memory_than_it_may_have_gets_none() -> None:
    ending = carry_out(python("x = bytearray(1 << 30)", {"RLIMIT_AS": 256 << 20}))
    assert (ending.exit_code, b"MemoryError" in ending.output) == (1, True)
