"""`make demo`'s program holds, fails where it must, and leaves nothing behind; each half of it runs once here."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dbt import need_dbt
from tests.support.linux import need_linux, wait_until_gone

ROOT = Path(__file__).parents[2]
PROXY = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demo makes its throwaway directory; a root without namespaces runs Postgres as another user there."""
    with tempfile.TemporaryDirectory(prefix="runhook-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def demo(part: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    """The demo's program with one of its parts; it makes its throwaway directory in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-m", "examples.demo", part],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


def ended(started: subprocess.Popen[str], seconds: float) -> tuple[int, str]:
    """Its exit code and all that it said."""
    try:
        said, _ = started.communicate(timeout=seconds)
    finally:
        started.kill()
    return started.returncode, said


def assert_holds(code: int, said: str, folder: Path) -> None:
    """Every check had its tick, and nothing is left."""
    assert code == 0, said
    assert "checks hold" in said.splitlines()[-1]
    assert list(folder.iterdir()) == []


@pytest.mark.timeout(180)
def test_the_outbound_half_holds_whatever_settings_and_proxies_the_environment_names(folder: Path) -> None:
    strange = {"PORT": "1", "DATA_DIR": "/", "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "TOKEN": "short"}
    code, said = ended(demo("outbound", folder, PYTHONIOENCODING="utf-8", **strange, **PROXY), 150)
    assert_holds(code, said, folder)
    assert said.count("✓") > 10
    assert "✗" not in said


@pytest.mark.timeout(500)
def test_the_inbound_half_holds(folder: Path) -> None:
    need_dbt()
    code, said = ended(demo("inbound", folder), 420)
    assert_holds(code, said, folder)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_nothing_is_left_running_when_it_is_stopped(folder: Path, number: signal.Signals, code: int) -> None:
    need_linux()
    started = demo("outbound", folder)
    assert started.stdout is not None
    for line in started.stdout:
        if "Outbound" in line:
            break
    started.send_signal(number)
    assert ended(started, 60)[0] == code
    assert wait_until_gone(folder, 30) == {}
