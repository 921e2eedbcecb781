"""What stops `runhook standalone` from starting: one clear line, exit code 1, nothing left running."""

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.support.linux import need_linux, processes_of, run_as_root_without_namespaces
from tests.support.postgres import Database
from tests.support.standalone import COMMAND, environment, fail_to_start

Fail = Callable[..., str]


@pytest.fixture
def fail(tmp_path: Path) -> Iterator[Fail]:
    """Starts it where it must fail and returns its one line; afterwards nothing may be left."""
    need_linux()

    def one_line(data_dir: Path = tmp_path / "data", **settings: str) -> str:
        said = fail_to_start(data_dir, **settings)
        assert said.startswith("runhook: ")
        assert said.count("\n") == 1
        return said.removeprefix("runhook: ").strip()

    yield one_line
    assert processes_of(tmp_path) == {}


def test_a_port_that_is_taken(fail: Fail) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert fail(PORT=str(port)) == f"PORT={port}: another program listens there, choose another PORT"


def test_a_database_url_where_nothing_answers(fail: Fail) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    said = fail(DATABASE_URL=f"postgresql://owner:secret@127.0.0.1:{port}/app")
    assert said.startswith(f"DATABASE_URL: cannot connect to 127.0.0.1:{port}/app: ")
    assert "secret" not in said


def test_a_database_url_with_a_wrong_password(fail: Fail, database: Database) -> None:
    said = fail(DATABASE_URL=database.delivery_url.replace("of-the-tests", "guessed"))
    assert 'password authentication failed for user "runhook_delivery"' in said


async def test_a_database_that_a_newer_release_migrated(fail: Fail, database: Database) -> None:
    connection = await asyncpg.connect(database.owner_url)
    await connection.execute("insert into runhook.schema_migration values (9999, 'future', 'unknown')")
    await connection.close()
    said = fail(DATABASE_URL=database.owner_url)
    assert said.startswith("the database is at version 9999 and this release knows ")
    assert said.endswith("use the release that migrated it, or restore the backup from before")


async def test_an_owner_that_may_not_alter_the_roles(fail: Fail, empty_database: Database) -> None:
    connection = await asyncpg.connect(empty_database.owner_url)
    await connection.execute("create role weak login password 'weak'")
    await connection.execute(f"alter database {empty_database.name} owner to weak")
    said = fail(DATABASE_URL=empty_database.delivery_url.replace("runhook_delivery:of-the-tests", "weak:weak"))
    await connection.execute("reassign owned by weak to runhook; drop owned by weak; drop role weak")
    await connection.close()
    assert said.startswith(
        "weak may not alter the services' roles: let a superuser run ALTER ROLE weak CREATEROLE; GRANT"
    )


def test_a_data_directory_that_cannot_be_written(fail: Fail, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert fail(tmp_path / "file" / "data") == f"DATA_DIR={tmp_path}/file/data: cannot write there: Not a directory"


def test_a_data_directory_that_another_one_uses(fail: Fail, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        print(os.getpid(), file=lock, flush=True)
        said = fail(tmp_path)
    assert said == f"DATA_DIR={tmp_path}: another runhook standalone uses it, end that or choose another DATA_DIR"


def test_all_bad_and_unknown_settings_are_named_at_once(fail: Fail) -> None:
    said = fail(
        PORT="eighty",
        TOKEN="short",
        DATABASE_URL="mysql://host/db",
        COMMANDS="/nowhere.toml",
        RUNHOOK_LOG_LEVEL="loud",
        RUNHOOK_LOG_LEVL="debug",
        RUNHOOK_DATABASE_URL="postgresql://host/db",
    )
    assert [problem.split(":")[0].split("=")[0] for problem in said.split("; ")] == [
        "PORT",
        "TOKEN",
        "DATABASE_URL",
        "COMMANDS",
        "RUNHOOK_DATABASE_URL",
        "RUNHOOK_LOG_LEVL",
        "RUNHOOK_LOG_LEVEL",
    ]
    assert "did you mean RUNHOOK_LOG_LEVEL?" in said


def test_root_without_user_namespaces_or_a_second_user(tmp_path: Path) -> None:
    settings = environment(tmp_path / "data")
    ran = run_as_root_without_namespaces(COMMAND, second_user=False, environment=settings)
    assert (ran.stdout, ran.returncode) == ("", 1)
    assert ran.stderr == (
        "runhook: Postgres does not run as root, and here root has neither user namespaces nor a second user for it: "
        "run as a normal user or set DATABASE_URL\n"
    )
    assert processes_of(tmp_path) == {}
