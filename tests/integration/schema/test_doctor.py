"""`runhook doctor` against real databases: one that is well, and one for each thing that can be broken in it."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from chassis.migrations import migrate, read_migrations
from schema import FOLDER, MIGRATIONS
from schema.doctor import checks, examine
from schema.examination.finding import Finding, Level
from tests.support.postgres import Cluster, Database

ROOT = Path(__file__).parents[3]
#: The server of the tests does not wait for the disk, and nothing runs beside it.
OF_THE_TESTS = {"durability": Level.BAD, "autovacuum": Level.WARN, "pods": Level.WARN}


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection to the database that is to be broken."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


async def look(database: Database, name: str) -> Finding:
    """What one check says."""
    found = await examine(database.owner_url, [check for check in checks() if check.name == name])
    return found[name]


def command(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "schema", "doctor", *options],
        env={**os.environ, "RUNHOOK_DATABASE_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_fresh_database_of_every_version_is_well_but_for_the_tests_server(any_cluster: Cluster) -> None:
    database = await any_cluster.create()
    found = await examine(database.owner_url)
    await any_cluster.drop(database)
    assert {name: finding.level for name, finding in found.items()} == {
        **dict.fromkeys([*(check.name for check in checks()), "clock"], Level.OK),
        **OF_THE_TESTS,
    }
    assert all(bool(finding.advice) == (finding.level is not Level.OK) for finding in found.values())


async def test_it_says_a_line_a_check_and_ends_with_1_when_something_is_bad(database: Database) -> None:
    said = command(database.owner_url)
    assert (said.returncode, said.stderr) == (1, "")
    assert len(said.stdout.splitlines()) == len(checks()) + 1
    [line] = [line for line in said.stdout.splitlines() if line.startswith("bad")]
    assert line.startswith("bad  durability: fsync, full_page_writes, synchronous_commit off: a crash loses")
    assert " -> ALTER SYSTEM SET fsync = on" in line


async def test_json_is_one_document_of_the_same(database: Database) -> None:
    said = command(database.owner_url, "--json")
    told = json.loads(said.stdout)
    assert (said.returncode, told["level"]) == (1, "bad")
    assert [check["name"] for check in told["checks"]] == [*(check.name for check in checks()), "clock"]
    assert all(set(check) == {"name", "level", "found", "advice"} for check in told["checks"])


def test_a_database_that_is_away_is_one_line_and_code_5(database: Database) -> None:
    said = command(database.owner_url.replace(database.name, "no_such"))
    assert (said.stdout, said.returncode) == ("", 5)
    assert said.stderr == 'schema: cannot use the database: database "no_such" does not exist\n'
    said = command("postgresql://runhook:x@127.0.0.1:9/runhook")
    assert (said.stdout, said.returncode, said.stderr.count("\n")) == ("", 5, 1)


@pytest.mark.parametrize("options", [["--fast"], ["--json", "--json"]])
def test_a_wrong_call_is_one_line_and_code_2(database: Database, options: list[str]) -> None:
    said = command(database.owner_url, *options)
    assert (said.stdout, said.returncode, said.stderr.count("\n")) == ("", 2, 1)


async def test_a_login_that_lacks_rights_is_told_which_and_the_rest_is_examined(database: Database) -> None:
    found = await examine(database.trigger_url)
    assert found["due deliveries"].level is Level.WARN
    assert found["due deliveries"].found == "could not look: permission denied for schema delivery"
    assert found["windows"].level is Level.OK
    for name in ("transactions", "idle in transaction"):
        assert found[name].level is Level.WARN
        assert found[name].advice == "as a superuser: GRANT pg_read_all_stats TO runhook_trigger"


async def test_an_empty_database_is_told_to_migrate(empty_database: Database) -> None:
    found = await examine(empty_database.owner_url)
    for name in ("schema", "partitions", "due deliveries", "pods", "windows"):
        assert (found[name].level, "run: runhook migrate" in found[name].advice) == (Level.BAD, True)
    assert not [one.advice for one in found.values() if "ALTER TABLE" in one.advice]  # of tables that are not there


async def test_an_older_schema_is_bad_and_a_newer_one_is_an_upgrade_under_way(empty_database: Database) -> None:
    known = read_migrations(MIGRATIONS)
    await migrate(empty_database.owner_url, known[:-1])
    older = await look(empty_database, "schema")
    assert (older.level, older.advice) == (Level.BAD, "run: runhook migrate")
    assert f"{known[-1].file_name} did not run" in older.found
    await migrate(empty_database.owner_url, known)
    assert (await look(empty_database, "schema")).level is Level.OK
    connection = await asyncpg.connect(empty_database.owner_url)
    await connection.execute("insert into runhook.schema_migration values (9999, 'future', 'unknown')")
    assert (await look(empty_database, "schema")).level is Level.WARN
    await connection.execute("update runhook.schema_migration set checksum = 'other' where version = 1")
    await connection.close()
    assert (await look(empty_database, "schema")).level is Level.BAD


@pytest.mark.parametrize(
    ("breaks", "mends", "level", "says"),
    [
        ("reset enable_sort", "set enable_sort = off", Level.BAD, "runhook_delivery has no enable_sort"),
        ("set lock_timeout = '9s'", "set lock_timeout = '2s'", Level.WARN, "lock_timeout 9s instead of 2s"),
        ("nologin", "login", Level.BAD, "runhook_delivery may not log in"),
        ("connection limit 0", "connection limit -1", Level.BAD, "runhook_delivery may not connect"),
        ("superuser", "nosuperuser", Level.WARN, "runhook_delivery is a superuser"),
        (
            "valid until '2020-01-01'",
            "valid until 'infinity'",
            Level.BAD,
            "the password of runhook_delivery has expired",
        ),
        ("set synchronous_commit = off", "reset synchronous_commit", Level.BAD, "commits without waiting for the disk"),
    ],
)
async def test_a_role_that_differs_from_roles_sql_is_named(
    owner: asyncpg.Connection, database: Database, breaks: str, mends: str, level: Level, says: str
) -> None:
    await owner.execute(f"alter role runhook_delivery {breaks}")
    try:
        found = await look(database, "roles")
    finally:
        await owner.execute(f"alter role runhook_delivery {mends}")
    assert (found.level, says in found.found) == (level, True)
    assert (await look(database, "roles")).level is Level.OK


async def test_a_setting_of_the_role_in_this_database_goes_before_the_roles_own(
    owner: asyncpg.Connection, database: Database
) -> None:
    await owner.execute(f"alter role runhook_delivery in database {database.name} set enable_sort = on")
    found = await look(database, "roles")
    assert (found.level, "enable_sort on instead of off" in found.found) == (Level.WARN, True)
    await owner.execute(f"alter role runhook_delivery in database {database.name} set enable_sort = 0")
    assert (await look(database, "roles")).level is Level.OK


async def test_running_roles_sql_mends_what_it_says(owner: asyncpg.Connection, database: Database) -> None:
    await owner.execute("alter role runhook_trigger reset all")
    assert (await look(database, "roles")).level is Level.BAD
    await owner.execute((FOLDER / "roles.sql").read_text())
    assert (await look(database, "roles")).level is Level.OK


@pytest.mark.parametrize(("days", "level"), [(0, Level.BAD), (1, Level.BAD), (6, Level.WARN)])
async def test_a_day_without_a_partition_is_named_and_the_advice_mends_it(
    owner: asyncpg.Connection, database: Database, days: int, level: Level
) -> None:
    name = await owner.fetchval(
        "select 'delivery.attempt_p' || to_char((now() at time zone 'UTC')::date + $1::int, 'YYYYMMDD')", days
    )
    await owner.execute(f"drop table {name}")
    found = await look(database, "partitions")
    assert (found.level, found.found.startswith("delivery.attempt has no partition for ")) == (level, True)
    statement = found.advice.partition(" as the owner")[0]
    assert statement == "SELECT runhook.make_partitions('delivery')"
    await owner.execute(statement)
    assert (await look(database, "partitions")).level is Level.OK


async def test_a_partition_past_its_retention_is_named_and_the_advice_drops_it(
    owner: asyncpg.Connection, database: Database
) -> None:
    await owner.execute("select runhook.make_partitions('trigger', 0, (now() at time zone 'UTC')::date - 40)")
    found = await look(database, "partitions")
    assert (found.level, "trigger.call still has 2 partitions past 30 days" in found.found) == (Level.WARN, True)
    while await owner.fetch(
        "select runhook.drop_partitions('trigger')"
    ):  # as the advice says: until it returns nothing
        pass
    assert (await look(database, "partitions")).level is Level.OK


@pytest.mark.parametrize(
    ("breaks", "level", "says"),
    [
        ("reset (autovacuum_vacuum_threshold)", Level.BAD, "delivery.queue has no autovacuum_vacuum_threshold"),
        ("set (autovacuum_vacuum_cost_delay = 20)", Level.WARN, "autovacuum_vacuum_cost_delay 20 instead of 0"),
        ("set (autovacuum_enabled = off)", Level.BAD, "delivery.queue is never vacuumed"),
    ],
)
async def test_a_table_that_lost_its_autovacuum_settings_is_named_and_the_advice_mends_it(
    owner: asyncpg.Connection, database: Database, breaks: str, level: Level, says: str
) -> None:
    await owner.execute(f"alter table delivery.queue {breaks}")
    found = await look(database, "vacuum settings")
    assert (found.level, says in found.found) == (level, True)
    await owner.execute(found.advice)
    assert (await look(database, "vacuum settings")).level is Level.OK


async def test_dead_rows_that_are_not_removed_are_counted(owner: asyncpg.Connection, database: Database) -> None:
    await owner.execute("alter table delivery.pod set (autovacuum_enabled = off)")
    await owner.execute("insert into delivery.pod (name) select 'p' from generate_series(1, 30000)")
    await owner.execute("delete from delivery.pod")
    await owner.execute("select pg_stat_force_next_flush()")
    found = await look(database, "dead rows")
    assert (found.level, found.found.startswith("delivery.pod has 30,000 dead rows")) == (Level.BAD, True)
    await owner.execute(found.advice.partition("; then ")[2])
    await owner.execute("select pg_stat_force_next_flush()")
    assert (await look(database, "dead rows")).level is Level.OK


async def test_a_transaction_that_is_held_open_is_named(
    owner: asyncpg.Connection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("LONG_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(f"schema.examination.held_back.{limit}", 0.0)
    async with owner.transaction(isolation="repeatable_read"):
        await owner.fetch("select 1 from delivery.queue")
        pid = await owner.fetchval("select pg_backend_pid()")
        held, idle = await look(database, "transactions"), await look(database, "idle in transaction")
    assert (held.level, held.found.startswith(f"process {pid} (runhook)")) == (Level.WARN, True)
    assert f"SELECT pg_terminate_backend({pid})" in held.advice
    assert (idle.level, idle.found.startswith(f"process {pid} (runhook) has been idle")) == (Level.WARN, True)
    assert (await look(database, "transactions")).level is Level.OK
    assert (await look(database, "idle in transaction")).level is Level.OK


async def test_a_delivery_that_nobody_takes_is_overdue(owner: asyncpg.Connection, database: Database) -> None:
    await owner.execute(
        "insert into delivery.queue (id, event_id, published_at, subscription_id, account_id, webhook_name, due_at)"
        " values (1, 'e', now(), 1, 1, 'n', now() - interval '1 hour'), (2, 'e', now(), 1, 1, 'n', now() + interval '1 h')"
    )
    found = await look(database, "due deliveries")
    assert (found.level, found.found) == (Level.BAD, "1 are due and free, the oldest for 60 min")
    pods = await look(database, "pods")
    assert (pods.level, pods.found) == (Level.BAD, "0 alive, 0 silent, 0 dead, and deliveries wait")


async def test_pods_are_told_apart_by_their_heartbeats(owner: asyncpg.Connection, database: Database) -> None:
    await owner.execute("insert into delivery.pod (name) values ('a')")
    await owner.execute("insert into delivery.pod (name, dead_at) values ('b', now())")
    assert await look(database, "pods") == Finding(level=Level.OK, found="1 alive, 0 silent, 1 dead")
    await owner.execute("insert into delivery.pod (name, heartbeat_at) values ('c', now() - interval '1 hour')")
    found = await look(database, "pods")
    assert (found.level, found.found) == (Level.WARN, "1 alive, 1 silent, 1 dead")


async def test_a_window_past_its_deadline_is_told(owner: asyncpg.Connection, database: Database) -> None:
    await owner.execute("set session_replication_role = replica")
    await owner.execute(
        "insert into trigger.window (window_id, trigger_id, account_id, state, threshold, first_seq, opened_at, deadline_at)"
        " values (1, 1, 1, 'OPEN', 9, 1, now() - interval '1 hour', now() - interval '30 seconds')"
    )
    found = await look(database, "windows")
    assert (found.level, found.found) == (Level.WARN, "1 open past their deadline, the oldest for 30 s")
