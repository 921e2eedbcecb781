"""`python -m schema rotate-keys`: whatever is sealed ends up under the first key, while everything else goes on."""

import asyncio
import base64
import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import grpc
import pytest

from chassis.keyring import KeyRing
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import Subscription
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from schema import FOLDER
from schema.rotate_keys import BATCH, rotate_keys
from schema.sealed import SEALED_COLUMNS
from tests.support.grpc_peer import bearer
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, subscription_service

ROOT = Path(__file__).parents[3]
OLD, NEW, LOST = os.urandom(32), os.urandom(32), os.urandom(32)
UNDER_OLD, UNDER_NEW, UNDER_LOST = KeyRing({"k1": OLD}), KeyRing({"k2": NEW}), KeyRing({"k0": LOST})
BOTH = KeyRing({"k2": NEW, "k1": OLD})
_CREATE_TABLE = re.compile(r'^CREATE TABLE ([\w."]+) \((.*?)^\)', re.MULTILINE | re.DOTALL)


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection, for which rows need no row that they belong to."""
    connection = await asyncpg.connect(database.owner_url)
    await connection.execute("set session_replication_role = replica")
    yield connection
    await connection.close()


@pytest.fixture
def ring_file(tmp_path: Path) -> Path:
    """What the operator has during a rotation: the new key before the old one."""
    path = tmp_path / "ring"
    path.write_text("".join(f"{name}:{base64.b64encode(key).decode()}\n" for name, key in (("k2", NEW), ("k1", OLD))))
    return path


async def add_secret(owner: asyncpg.Connection, ring: KeyRing, subscription_id: int, *, ends: bool = False) -> None:
    sealed = ring.seal(b"secret", f"signing_secret:{subscription_id}")
    statement = "insert into subscription.signing_secret (subscription_id, sealed, expires_at) values ($1, $2, $3)"
    await owner.execute(statement, subscription_id, sealed, datetime(2100, 1, 1, tzinfo=UTC) if ends else None)


async def add_headers(owner: asyncpg.Connection, ring: KeyRing, subscription_id: int) -> None:
    sealed = ring.seal(b"[]", f"custom_headers:{subscription_id}")
    statement = "insert into subscription.secret_setting values ($1, 'custom_headers', $2)"
    await owner.execute(statement, subscription_id, sealed)


async def add_certificate(owner: asyncpg.Connection, ring: KeyRing, subscription_id: int) -> None:
    sealed = ring.seal(b"{}", f"client_certificate:{subscription_id}")
    statement = "insert into subscription.secret_setting values ($1, 'client_certificate', $2, '{}')"
    await owner.execute(statement, subscription_id, sealed)


async def add_trigger_token(owner: asyncpg.Connection, ring: KeyRing, trigger_id: int) -> None:
    sealed = ring.seal(b"token", f"trigger_token:{trigger_id}")
    statement = "insert into trigger.token (token_hash, trigger_id, sealed) values ($1, $2, $3)"
    await owner.execute(statement, hashlib.sha256(b"%d" % trigger_id).digest(), trigger_id, sealed)


async def add_verification_secret(owner: asyncpg.Connection, ring: KeyRing, trigger_id: int, place: int) -> None:
    sealed = ring.seal(b"agreed", f"verification:{trigger_id}")
    statement = "insert into trigger.verification_secret (trigger_id, place, sealed) values ($1, $2, $3)"
    await owner.execute(statement, trigger_id, place, sealed)


async def opened(owner: asyncpg.Connection, ring: KeyRing) -> list[bytes]:
    """Every sealed value, opened by the ring; ValueError when one does not open."""
    found = []
    for column in SEALED_COLUMNS:
        rows = await owner.fetch(column.read, *column.before_all, 10_000)
        found += [ring.open(row["sealed"], column.row_name(row)) for row in rows]
    return found


def command(database: Database, ring_file: Path | None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RUNHOOK_DATABASE_URL": database.owner_url}
    if ring_file is not None:
        environment["RUNHOOK_KEY_RING_FILE"] = str(ring_file)
    return subprocess.run(
        [sys.executable, "-m", "schema", "rotate-keys"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def waits_for_a_row(owner: asyncpg.Connection) -> None:
    """Returns when rotate-keys has come to a row that somebody else holds."""
    waiting = (
        "select count(*) from pg_stat_activity where application_name = 'rotate-keys' and wait_event_type = 'Lock'"
        " and datname = current_database()"
    )
    async with asyncio.timeout(30):
        while True:
            if await owner.fetchval(waiting):
                return
            await asyncio.sleep(0.02)


def test_it_knows_every_sealed_column_of_the_schema() -> None:
    schema = (FOLDER / "schema.sql").read_text(encoding="utf-8")
    sealed = {
        name.replace('"', "")
        for name, columns in _CREATE_TABLE.findall(schema)
        if re.search(r"^ +sealed bytea\b", columns, re.MULTILINE)
    }
    assert sealed == {column.table for column in SEALED_COLUMNS}


async def test_everything_opens_with_the_new_key_alone_and_a_second_run_changes_nothing(
    owner: asyncpg.Connection, database: Database, ring_file: Path
) -> None:
    await add_secret(owner, UNDER_OLD, 1, ends=True)
    await add_secret(owner, UNDER_OLD, 1)
    await add_secret(owner, UNDER_NEW, 2)
    await add_headers(owner, UNDER_OLD, 1)
    await add_certificate(owner, UNDER_OLD, 1)
    await add_trigger_token(owner, UNDER_OLD, 7)
    await add_trigger_token(owner, UNDER_OLD, 8)
    await add_verification_secret(owner, UNDER_OLD, 7, 1)
    await add_verification_secret(owner, UNDER_OLD, 7, 2)
    said = command(database, ring_file)
    assert (said.stdout.splitlines(), said.stderr, said.returncode) == (
        [
            "subscription.signing_secret: 3 read, 2 re-encrypted, 0 that no key opens",
            "subscription.secret_setting: 2 read, 2 re-encrypted, 0 that no key opens",
            "trigger.token: 2 read, 2 re-encrypted, 0 that no key opens",
            "trigger.verification_secret: 2 read, 2 re-encrypted, 0 that no key opens",
            "everything is sealed under the first key",
        ],
        "",
        0,
    )
    assert await opened(owner, UNDER_NEW) == [b"secret"] * 3 + [b"{}", b"[]"] + [b"token"] * 2 + [b"agreed"] * 2
    again = command(database, ring_file)
    assert again.returncode == 0
    assert again.stdout.count(" 0 re-encrypted") == 4


async def test_what_no_key_opens_is_named_and_left_and_the_rest_goes_on(
    owner: asyncpg.Connection, database: Database, ring_file: Path
) -> None:
    await add_secret(owner, UNDER_LOST, 5)
    await add_secret(owner, UNDER_OLD, 6)
    await add_headers(owner, UNDER_OLD, 6)
    await owner.execute("update subscription.secret_setting set subscription_id = 9")  # sealed for another row
    await owner.execute("insert into trigger.token values ($1, 3, $2)", b"\x0f" * 32, b"no sealed value at all")
    await add_trigger_token(owner, UNDER_OLD, 4)
    before = await owner.fetchval("select sealed from subscription.signing_secret where subscription_id = 5")
    said = command(database, ring_file)
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert "3 values stay as they are" in said.stderr
    assert [line for line in said.stdout.splitlines() if "no key of the ring" in line] == [
        "subscription.signing_secret: no key of the ring opens signing_secret:5 (id 1)",
        "subscription.secret_setting: no key of the ring opens custom_headers:9 (subscription_id 9, kind custom_headers)",
        f"trigger.token: no key of the ring opens trigger_token:3 (token_hash {'0f' * 32})",
    ]
    assert await owner.fetchval("select sealed from subscription.signing_secret where subscription_id = 5") == before
    good = await owner.fetchval("select sealed from subscription.signing_secret where subscription_id = 6")
    assert UNDER_NEW.open(good, "signing_secret:6") == b"secret"
    good = await owner.fetchval("select sealed from trigger.token where trigger_id = 4")
    assert UNDER_NEW.open(good, "trigger_token:4") == b"token"


async def test_small_batches_leave_nothing_out(owner: asyncpg.Connection, database: Database) -> None:
    for number in range(1, 8):
        await add_secret(owner, UNDER_OLD, number)
        await add_headers(owner, UNDER_OLD, number)
        await add_trigger_token(owner, UNDER_OLD, number)
        await add_verification_secret(owner, UNDER_OLD, number, 1)
    tallies = await rotate_keys(database.owner_url, BOTH, lambda line: None, batch=2)
    assert [tally.changed for tally in tallies] == [7, 7, 7, 7]
    assert len(await opened(owner, UNDER_NEW)) == 28


async def test_a_value_that_is_replaced_meanwhile_stays_as_its_owner_wrote_it(
    owner: asyncpg.Connection, database: Database
) -> None:
    await add_headers(owner, UNDER_OLD, 1)
    theirs = UNDER_NEW.seal(b'[["X-Api-Key","new"]]', "custom_headers:1")
    service = await asyncpg.connect(database.subscription_url)
    async with service.transaction():
        await service.execute("update subscription.secret_setting set sealed = $1", theirs)
        rotating = asyncio.create_task(rotate_keys(database.owner_url, BOTH, lambda line: None))
        await waits_for_a_row(owner)
    tallies = await rotating
    await service.close()
    assert [tally.changed for tally in tallies] == [0, 0, 0, 0]
    assert await owner.fetchval("select sealed from subscription.secret_setting") == theirs


async def test_a_killed_run_keeps_what_it_did_and_the_next_one_does_the_rest(
    owner: asyncpg.Connection, database: Database, ring_file: Path
) -> None:
    for number in range(1, BATCH + 3):
        await add_secret(owner, UNDER_OLD, number)
    holder = await asyncpg.connect(database.owner_url)
    async with holder.transaction():
        await holder.execute("select from subscription.signing_secret where id = $1 for update", BATCH + 1)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "schema", "rotate-keys"),
            env={**os.environ, "RUNHOOK_DATABASE_URL": database.owner_url, "RUNHOOK_KEY_RING_FILE": str(ring_file)},
            cwd=ROOT,
        )
        await waits_for_a_row(owner)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await holder.close()
    assert "202 read, 2 re-encrypted" in command(database, ring_file).stdout
    assert len(await opened(owner, UNDER_NEW)) == BATCH + 2


async def test_secrets_are_made_and_rotated_all_the_while(owner: asyncpg.Connection, database: Database) -> None:
    for number in range(1_000, 1_400):
        await add_secret(owner, UNDER_OLD, number)
    async with (
        subscription_service(database, key_ring=BOTH) as service,
        grpc.aio.insecure_channel(service.target) as channel,
    ):
        stub = SubscriptionServiceStub(channel)
        wish = Subscription(
            account_id=ACCOUNT, name="n", event_types=["job.run.started"], client_url="https://x.io", active=True
        )
        rotating = asyncio.create_task(rotate_keys(database.owner_url, BOTH, lambda line: None, batch=10))
        secrets: list[bytes] = []
        while not rotating.done() or len(secrets) < 4:
            created = await stub.CreateSubscription(
                pb.CreateSubscriptionRequest(subscription=wish), metadata=bearer(TOKEN)
            )
            rotated = await stub.RotateSigningSecret(
                pb.RotateSigningSecretRequest(account_id=ACCOUNT, subscription_id=created.subscription.subscription_id),
                metadata=bearer(TOKEN),
            )
            secrets += [created.signing_secret.encode(), rotated.signing_secret.encode()]
        assert (await rotating)[0].unreadable == 0
    assert [text for text in await opened(owner, UNDER_NEW) if text != b"secret"] == secrets


def test_without_a_key_ring_it_is_one_line_and_code_2(database: Database, tmp_path: Path) -> None:
    said = command(database, None)
    assert (said.stdout, said.returncode, said.stderr.count("\n")) == ("", 2, 1)
    assert said.stderr.startswith("schema: RUNHOOK_KEY_RING_FILE: is required")
    said = command(database, tmp_path / "none")
    assert (said.stdout, said.returncode, said.stderr.count("\n")) == ("", 2, 1)


def test_an_unreachable_database_is_one_line_and_code_1(database: Database, ring_file: Path) -> None:
    nowhere = Database(**{**vars(database), "owner_url": database.owner_url.replace(database.name, "no_such")})
    said = command(nowhere, ring_file)
    assert (said.stdout, said.returncode, said.stderr.count("\n")) == ("", 1, 1)
    assert said.stderr == 'schema: cannot use the database: database "no_such" does not exist: run it again\n'
