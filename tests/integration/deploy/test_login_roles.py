"""The dev overlay's Postgres, made by the script that its image reads: afterwards every pod's URL works."""

import os
import subprocess
from collections.abc import Iterator

import asyncpg
import pytest

from schema import FOLDER
from schema.upgrade import upgrade
from standalone import binaries
from standalone.postgres import Postgres
from tests.support.manifests import DEPLOY, Manifests, parse
from tests.support.postgres import running_server


@pytest.fixture
def fresh_server() -> Iterator[Postgres]:
    """A cluster of its own: login roles belong to the cluster."""
    with running_server(binaries.find(os.environ)) as server:
        yield server


def at_server(url: str, server: Postgres) -> str:
    """A URL of the overlay, at the server and database of this test."""
    role, _, password = url.removeprefix("postgresql://").partition("@")[0].partition(":")
    return server.url("postgres", role=role, password=password)


def make_login_roles(server: Postgres, install: Manifests) -> None:
    """What the Postgres image does with the overlay's script."""
    (postgres,) = [workload for workload in install.workloads if workload.name == "postgres"]
    told = install.environment(postgres.main) | {
        "PATH": f"{binaries.find(os.environ).folder}:{os.environ['PATH']}",
        "POSTGRES_USER": server.url("postgres").removeprefix("postgresql://").partition(":")[0],
        "POSTGRES_DB": "postgres",
        "ROLES_FILE": str(FOLDER / "roles.sql"),
    }
    address = server.url("postgres").partition("@")[2].partition("/")[0]
    told |= {"PGHOST": address.partition(":")[0], "PGPORT": address.partition(":")[2]}
    told |= {"PGPASSWORD": server.url("postgres").partition("@")[0].rpartition(":")[2]}
    scripts = dict(install.files(postgres, postgres.main))
    assert list(scripts) == ["/docker-entrypoint-initdb.d/login-roles.sh"]
    script = "set -Eeo pipefail\n" + scripts.popitem()[1]
    subprocess.run(["bash", "-c", script], env=told, check=True, capture_output=True)


async def test_every_service_logs_in_with_its_url_and_has_its_roles_settings(fresh_server: Postgres) -> None:
    install = parse((DEPLOY / "install.yaml").read_text())
    make_login_roles(fresh_server, install)
    await upgrade(fresh_server.url("postgres"))
    for workload in install.ours:
        url = install.environment(workload.main).get("RUNHOOK_DATABASE_URL")
        if url is not None:
            connection = await asyncpg.connect(at_server(url, fresh_server))
            assert await connection.fetchval("show idle_in_transaction_session_timeout") == "5s"
            assert await connection.fetchval("select count(*) from runhook.schema_migration") > 0
            await connection.close()
