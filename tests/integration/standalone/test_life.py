"""The life of `runhook standalone` with its five real processes: ready, found again, restarted, ended, killed."""

import asyncio
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from standalone import binaries
from standalone.postgres import Postgres
from standalone.supervisor import is_healthy
from tests.support.linux import need_linux, processes_of, wait_until_gone
from tests.support.postgres import running_server
from tests.support.require import missing
from tests.support.standalone import Standalone, fail_to_start, start

PROCESSES = {"subscription_svc", "delivery_svc", "trigger_svc", "gateway", "runner"}
KEYS = {"gateway_url", "public_url", "grpc", "metrics", "account_id", "token", "database_url"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    need_linux()
    return tmp_path / "data"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """One that several tests use, since a start takes seconds."""
    need_linux()
    with Standalone(tmp_path_factory.mktemp("platform") / "data") as running:
        running.printed_until("Ctrl-C ends everything")
        yield running


def pid_of(data: Path, module: str) -> int:
    [pid] = [pid for pid, command in processes_of(data).items() if command.endswith(f"-m {module}")]
    return pid


def test_it_tells_other_programs_where_everything_is_and_ends_within_seconds(data: Path) -> None:
    with Standalone(data) as platform:
        assert platform.first_line == f"ready {platform.facts['gateway_url']}"
        assert set(platform.facts) == KEYS
        assert set(platform.facts["grpc"]) == {"subscription_svc", "delivery_svc", "trigger_svc"}
        assert set(platform.facts["metrics"]) == PROCESSES
        assert platform.facts["account_id"] == 1
        assert stat.S_IMODE((data / "standalone.json").stat().st_mode) == 0o600
        assert "another runhook standalone uses it" in fail_to_start(data)
        assert platform.stop(signal.SIGINT, timeout=15) == 0
    assert platform.printed.count(platform.facts["token"]) == 1
    assert processes_of(data) == {}


def test_every_command_that_it_prints_works(platform: Standalone) -> None:
    if shutil.which("curl") is None:
        missing("curl")
    export, subscribe, make_task, make_trigger = re.findall(r"^  ((?:.*\\\n)*.*)$", platform.printed, re.MULTILINE)

    def answer_of(command: str) -> Any:
        script = f"{export}\n{command}"
        return json.loads(subprocess.run(["sh", "-euc", script], capture_output=True, check=True).stdout)

    assert answer_of(subscribe)["status"]["code"] == 201
    task = answer_of(make_task)
    trigger = answer_of(make_trigger.replace("TASK_ID", json.dumps(task["task_id"])))
    assert trigger["url"].startswith(f"{platform.facts['public_url']}/t/")


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A cluster of its own: standalone gives the login roles new passwords, and those are the whole cluster's."""
    with running_server(binaries.find(os.environ)) as server:
        yield server


async def test_a_database_url_is_used_instead_of_an_embedded_postgres(data: Path, own_server: Postgres) -> None:
    token, url = "chosen-by-the-person-who-starts-it", own_server.url("postgres")
    with Standalone(data, DATABASE_URL=url, TOKEN=token) as platform:
        assert (platform.facts["database_url"], platform.facts["token"]) == (url, token)
    assert token not in platform.printed
    assert list(data.glob("pg*")) == []
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select count(*) from subscription.service_token") == 1
    await connection.close()


def test_a_killed_parent_leaves_no_process_behind_and_the_next_start_finds_its_data(data: Path) -> None:
    with Standalone(data) as killed:
        assert {pid_of(data, module) for module in PROCESSES} <= processes_of(data).keys()
        killed.process.kill()
        assert wait_until_gone(data, seconds=15) == {}
    with Standalone(data) as again:
        assert again.facts["token"] == killed.facts["token"]
        assert again.stop(signal.SIGTERM) == 0
    assert "The token is the one that you have" in again.printed
    assert again.facts["token"] not in again.printed


async def test_a_killed_service_is_started_again_and_a_line_says_so(platform: Standalone) -> None:
    os.kill(pid_of(platform.data_dir, "delivery_svc"), signal.SIGKILL)
    line = platform.printed_until("delivery_svc was ended by SIGKILL")
    assert "starting it again in 0.5 s" in line
    address = platform.facts["metrics"]["delivery_svc"].removeprefix("http://").removesuffix("/metrics")
    async with asyncio.timeout(30):
        while not await is_healthy(address):  # noqa: ASYNC110 - another process gets healthy
            await asyncio.sleep(0.1)


async def test_a_killed_postgres_is_started_again_where_it_was(platform: Standalone) -> None:
    os.kill(int((platform.data_dir / "pg18" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    platform.printed_until("Postgres died, starting it again")
    async with asyncio.timeout(30):
        while not await answers(platform.facts["database_url"]):  # noqa: ASYNC110 - another process gets ready
            await asyncio.sleep(0.1)


async def answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url)
    except (OSError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


def test_unknown_settings_of_several_processes_are_named_in_one_line(data: Path) -> None:
    said = fail_to_start(data, RUNHOOK_DELIVERY_SLOTZ="1", RUNHOOK_RUNNER_SLOTZ="1")
    assert said.startswith("runhook: ")
    assert said.count("\n") == 1
    assert "RUNHOOK_DELIVERY_SLOTZ: no such setting" in said
    assert "RUNHOOK_RUNNER_SLOTZ: no such setting" in said
    assert processes_of(data) == {}


def test_a_start_that_is_interrupted_leaves_nothing(data: Path) -> None:
    process = start(data)
    while not (data / "logs" / "postgres.log").exists():  # initdb begins
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert (process.communicate(timeout=30)[0], process.returncode) == ("", 0)
    assert processes_of(data) == {}
