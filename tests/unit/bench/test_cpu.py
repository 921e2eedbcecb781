"""CPU time is read from /proc: of real processes, and of a made-up one with an awkward name."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from bench.cpu import trees_ns, usage_of

pytestmark = pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="needs Linux: /proc")

BUSY = "import time\nt = time.process_time()\nwhile time.process_time() - t < 0.1: pass\nprint('worked', flush=True)\n"


def write_process(proc: Path, pid: int, parent: int, ticks: tuple[int, int, int, int], threads_ns: list[int]) -> None:
    folder = proc / str(pid)
    for number, used in enumerate(threads_ns):
        thread = folder / "task" / str(pid + number)
        thread.mkdir(parents=True)
        (thread / "schedstat").write_text(f"{used} 5 7\n")
    fields = ["S", str(parent), *["0"] * 9, *map(str, ticks), *["0"] * 30]
    (folder / "stat").write_text(f"{pid} (a ) odd (name) " + " ".join(fields))


def test_a_process_counts_all_its_threads_and_what_its_ended_children_used(tmp_path: Path) -> None:
    write_process(tmp_path, 10, 1, (1, 1, 30, 20), [15_000_000, 9_000_000])
    usage = usage_of(10, tmp_path)
    assert usage is not None
    assert (usage.parent, usage.own_ns) == (1, 24_000_000)
    assert usage.waited_ns == 50 * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def test_threads_that_have_ended_are_counted_by_the_ticks(tmp_path: Path) -> None:
    write_process(tmp_path, 10, 1, (40, 10, 0, 0), [15_000_000])
    usage = usage_of(10, tmp_path)
    assert usage is not None
    assert usage.own_ns == 50 * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def test_a_process_counts_for_the_nearest_root_above_it_only(tmp_path: Path) -> None:
    write_process(tmp_path, 10, 1, (0, 0, 0, 0), [100])
    write_process(tmp_path, 11, 10, (0, 0, 0, 0), [20])
    write_process(tmp_path, 12, 11, (0, 0, 0, 0), [3])
    write_process(tmp_path, 13, 1, (0, 0, 0, 0), [4000])
    assert trees_ns({"supervisor": 10, "service": 11, "gone": 99}, tmp_path) == {
        "supervisor": 100,
        "service": 23,
        "gone": 0,
    }


def test_a_process_that_is_gone_has_no_usage() -> None:
    assert usage_of(2**22 + 1) is None


async def test_a_childs_work_shows_in_the_tree_while_it_lives_and_after_it_ended() -> None:
    me = {"me": os.getpid()}
    before = trees_ns(me)["me"]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BUSY + "input()", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    await child.stdout.readline()
    alive = trees_ns(me)["me"]
    child.send_signal(signal.SIGKILL)
    await child.wait()
    ended = trees_ns(me)["me"]
    assert alive - before >= 100_000_000
    # The ended child is known in ticks only.
    assert ended >= alive - 20_000_000


def test_this_process_uses_what_its_own_clock_says() -> None:
    before, clock = usage_of(os.getpid()), time.process_time_ns()
    while time.process_time_ns() - clock < 50_000_000:
        pass
    after, used = usage_of(os.getpid()), time.process_time_ns() - clock
    assert before is not None
    assert after is not None
    assert after.own_ns - before.own_ns == pytest.approx(used, abs=15_000_000)
