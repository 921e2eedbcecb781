"""A short run of the real thing, so that `make chaos` works on the day it is needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


# It takes as long as a quarter of all other tests: for whoever works on the harness. `make chaos` runs the real thing.
@pytest.mark.skipif("CHAOS_SMOKE" not in os.environ, reason="a short chaos run: wanted by CHAOS_SMOKE=1")
@pytest.mark.timeout(200)
def test_five_faults_in_fifteen_seconds_lose_nothing() -> None:
    options = ["--seconds", "15", "--faults", "5", "--rate", "100", "--seed", "1"]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    said = ran.stdout + ran.stderr
    assert "\nlost        0\ntwice       0 " in said, said


@pytest.mark.skipif("CHAOS_SMOKE" not in os.environ, reason="a short chaos run: wanted by CHAOS_SMOKE=1")
@pytest.mark.timeout(300)
def test_four_faults_in_fourteen_seconds_lose_no_call() -> None:
    options = ["--triggers", "--seconds", "14", "--faults", "4", "--rate", "30", "--seed", "1"]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    assert "BROKEN" not in said, said
