"""What a service may do in the database: its own schema, with the session settings of schema/roles.sql."""

import asyncpg
import pytest

from schema.roles import ROLES, RolesRefused, prepare_roles
from tests.support.postgres import Cluster, Database

SETTINGS = "select current_setting($1)"


def url_of(database: Database, role: str) -> str:
    return {
        "runhook_subscription": database.subscription_url,
        "runhook_delivery": database.delivery_url,
        "runhook_trigger": database.trigger_url,
    }[role]


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_gives_up_soon_on_locks_and_forgotten_transactions(database: Database, role: str) -> None:
    connection = await asyncpg.connect(url_of(database, role))
    assert await connection.fetchval(SETTINGS, "lock_timeout") == "2s"
    assert await connection.fetchval(SETTINGS, "idle_in_transaction_session_timeout") == "5s"
    assert await connection.fetchval(SETTINGS, "statement_timeout") == "30s"
    await connection.close()


@pytest.mark.parametrize(
    ("role", "seqscan"), [("runhook_subscription", "on"), ("runhook_delivery", "off"), ("runhook_trigger", "off")]
)
async def test_plans_of_queue_tables_never_keep_a_sequential_scan(database: Database, role: str, seqscan: str) -> None:
    connection = await asyncpg.connect(url_of(database, role))
    assert await connection.fetchval(SETTINGS, "enable_seqscan") == seqscan
    await connection.close()


@pytest.mark.parametrize("role", ROLES)
async def test_the_driver_leaves_every_session_as_it_is_when_it_looks_up_a_type(database: Database, role: str) -> None:
    """It turns jit off where it is on, and on again: behind a pooler, in another session perhaps."""
    connection = await asyncpg.connect(url_of(database, role))
    before = await connection.fetchval(SETTINGS, "jit")
    assert await connection.fetchval("select $1::bool[]", [True]) == [True]
    assert [before, await connection.fetchval(SETTINGS, "jit")] == ["off", "off"]
    await connection.close()


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_makes_no_tables_anywhere(database: Database, role: str) -> None:
    connection = await asyncpg.connect(url_of(database, role))
    for schema in ("public", "runhook", "subscription", "delivery", "trigger"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"create table {schema}.mine (id int)")
    await connection.close()


async def test_an_owner_that_may_not_alter_roles_is_told_what_to_grant(cluster: Cluster, database: Database) -> None:
    admin = await asyncpg.connect(cluster.admin_url)
    await admin.execute("create role weak login password 'weak'")
    weak_url = database.delivery_url.replace("runhook_delivery:of-the-tests", "weak:weak")
    with pytest.raises(RolesRefused, match="ALTER ROLE weak CREATEROLE; GRANT runhook_subscription"):
        await prepare_roles(weak_url, {"runhook_delivery": "anything"})
    await admin.execute("drop role weak")
    await admin.close()
