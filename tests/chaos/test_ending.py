"""The harness ends when it is told to, and with it everything that it started."""

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(120)
async def test_a_signal_ends_a_run_and_all_that_it_started_and_another_cuts_nothing_short(tmp_path: Path) -> None:
    options = ["--seconds", "40", "--faults", "9", "--rate", "40", "--seed", "1"]
    tmp_path.chmod(0o755)
    with tempfile.TemporaryFile() as said:
        harness = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.chaos",
            *options,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
        )
        assert harness.stdout is not None
        async for line in harness.stdout:
            if b"killed" in line or b"stopped" in line:
                break
        started = psutil.Process(harness.pid).children(recursive=True)
        harness.send_signal(signal.SIGTERM)
        harness.send_signal(signal.SIGINT)
        rest = await asyncio.wait_for(harness.stdout.read(), 60)
        assert await asyncio.wait_for(harness.wait(), 10) == 130, rest.decode()
    assert len(started) > 4
    _, left = psutil.wait_procs(started, timeout=5)
    assert left == []
