"""The supervisor with small real programs: all healthy or a clear end, restarts, and nothing left behind."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from standalone import supervisor as room
from standalone.ports import free_ports
from standalone.supervisor import Child, Supervisor, is_healthy
from standalone.trouble import Trouble
from tests.support.linux import need_linux, processes_of, wait_until_gone

HEALTHY = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + HEALTHY
LEAVES_A_NOTE = (
    "import signal, sys, pathlib, time\n"
    "def leave(*_): pathlib.Path(sys.argv[2]).write_text(str(time.monotonic_ns())); sys.exit()\n"
    "signal.signal(signal.SIGTERM, leave)\n"
) + HEALTHY

Make = Callable[..., Child]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    ports = iter(free_ports(8))

    def child(name: str, code: str, *arguments: str, stage: int = 1) -> Child:
        port = next(ports)
        return Child(
            name=name,
            program=(sys.executable, "-c", code, str(port), *arguments),
            environment={**os.environ, "HOME_OF_TEST": str(tmp_path)},
            health_address=f"127.0.0.1:{port}",
            log=tmp_path / f"{name}.log",
            stage=stage,
        )

    return child


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Callable[..., Supervisor]]:
    """Makes supervisors; in the end they are stopped, and nothing of theirs may be left."""
    need_linux()
    made = []

    def supervisor(*children: Child, say: Callable[[str], None] = lambda line: None) -> Supervisor:
        made.append(Supervisor(children, say=say))
        return made[-1]

    yield supervisor
    for one in made:
        await one.stop()
    assert processes_of(tmp_path) == {}


async def until_healthy(child: Child) -> None:
    async with asyncio.timeout(10):
        while not await is_healthy(child.health_address):  # noqa: ASYNC110 - another process gets healthy
            await asyncio.sleep(0.05)


async def test_start_returns_when_all_are_healthy(run: Callable[..., Supervisor], make: Make) -> None:
    children = [make("one", HEALTHY), make("two", HEALTHY)]
    await run(*children).start()
    assert [await is_healthy(child.health_address) for child in children] == [True, True]


async def test_a_child_that_dies_while_starting_ends_the_start_with_its_last_words(
    run: Callable[..., Supervisor], make: Make
) -> None:
    dying = make("dying", "print('line one'); raise SystemExit('cannot go on')")
    with pytest.raises(Trouble, match=r"dying ended with code 1; the last lines of its log:\nline one\ncannot go on"):
        await run(make("healthy", HEALTHY), dying).start()


async def test_bad_settings_of_several_children_are_one_line(run: Callable[..., Supervisor], make: Make) -> None:
    bad = "import sys; sys.stderr.write('{0}: RUNHOOK_{1}: no such setting\\n'); sys.exit(2)"
    children = [make("b", bad.format("b", "X")), make("fine", HEALTHY), make("c", bad.format("c", "Y"))]
    with pytest.raises(Trouble) as caught:
        await run(*children).start()
    assert str(caught.value) == "b: RUNHOOK_X: no such setting; c: RUNHOOK_Y: no such setting"


async def test_a_child_that_is_never_healthy_is_not_waited_for_for_ever(
    run: Callable[..., Supervisor], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "START_SECONDS", 0.5)
    with pytest.raises(Trouble, match="mute was not ready in"):
        await run(make("mute", "import time; time.sleep(60)")).start()


async def test_a_child_that_dies_later_is_started_again_after_a_pause_that_doubles_until_it_lived_steadily(
    run: Callable[..., Supervisor], make: Make, tmp_path: Path
) -> None:
    said: list[str] = []
    child = make("one", HEALTHY)
    supervisor = run(child, say=said.append)
    await supervisor.start()
    now = time.monotonic()
    for lived, pause in ((0, 0.5), (0, 1.0), (1000, 0.5)):
        [pid] = processes_of(tmp_path)
        os.kill(pid, signal.SIGKILL)
        assert wait_until_gone(tmp_path, seconds=5) == {}
        now += lived
        supervisor.tick(now)
        assert said[-1].startswith(f"one was ended by SIGKILL, starting it again in {pause:g} s")
        now += pause
        supervisor.tick(now - 0.01)
        assert processes_of(tmp_path) == {}
        supervisor.tick(now)
        await until_healthy(child)


async def test_the_end_comes_in_stages(run: Callable[..., Supervisor], make: Make, tmp_path: Path) -> None:
    door = make("door", LEAVES_A_NOTE, str(tmp_path / "door"), stage=1)
    service = make("service", LEAVES_A_NOTE, str(tmp_path / "service"), stage=2)
    supervisor = run(service, door)
    await supervisor.start()
    await supervisor.stop()
    assert int((tmp_path / "door").read_text()) < int((tmp_path / "service").read_text())


async def test_a_child_that_does_not_go_is_killed(
    run: Callable[..., Supervisor], make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "KILL_SECONDS", 0.3)
    supervisor = run(make("deaf", DEAF))
    await supervisor.start()
    await supervisor.stop()
    assert wait_until_gone(tmp_path, seconds=0) == {}
