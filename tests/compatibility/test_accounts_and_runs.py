"""Clients that know accounts and runs alone: dbt-cloud-cli and Airflow's dbt Cloud provider (both PyPI).

People use them beside webhooks: to find their account, and to look at the run that a delivery names.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.compatibility.installed import Session, environment, install, run, session
from tests.compatibility.served import Served

pytestmark = pytest.mark.timeout(900)
SUCCESS = 10


async def test_dbt_cloud_cli_finds_its_account_and_a_run(cache: Path, platform: Served, tmp_path: Path) -> None:
    programs = install(cache, "dbt-cloud-cli==0.9.1")
    told = {"DBT_CLOUD_HOST": platform.host, "DBT_CLOUD_API_TOKEN": platform.token, "DBT_CLOUD_ACCOUNT_ID": "1"}
    env = environment(tmp_path, **told, **platform.trust)

    async def ask(*command: str) -> Any:
        return json.loads(await run(programs / "dbt-cloud", *command, env=env))["data"]

    [account] = await ask("account", "list")
    assert await ask("account", "get") == account
    assert account["id"] == 1
    run_id = await platform.finished_run()
    found = await ask("run", "get", "--run-id", str(run_id))
    assert (found["id"], found["status"], found["is_success"]) == (run_id, SUCCESS, True)


@pytest.fixture
async def airflow(cache: Path, platform: Served, tmp_path: Path) -> AsyncIterator[Session]:
    programs = install(cache, "apache-airflow-providers-dbt-cloud==4.11.1")
    connection = {"conn_type": "dbt_cloud", "login": "1", "password": platform.token, "host": platform.host}
    told = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONN_DBT_CLOUD_DEFAULT": json.dumps(connection)}
    env = environment(tmp_path, **told, **platform.trust)
    async with session(programs, "airflow.providers.dbt.cloud.hooks.dbt:DbtCloudHook", env=env) as hook:
        yield hook


async def test_airflow_finds_its_account_and_a_run(airflow: Session, platform: Served) -> None:
    assert (await airflow("get_account"))["data"]["id"] == 1
    run_id = await platform.finished_run()
    assert await airflow("get_job_run_status", run_id) == SUCCESS
