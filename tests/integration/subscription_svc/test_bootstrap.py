"""The first account: made once, however often and by however many at once it is asked for."""

import asyncio
import hashlib

import asyncpg
import pytest

from chassis.settings import SettingsError
from subscription_svc.bootstrap import make_first_account
from tests.support.postgres import Database


async def test_many_starts_at_once_make_one_account_and_one_token(database: Database) -> None:
    async with asyncpg.create_pool(database.subscription_url, min_size=4, max_size=4) as pool:
        await asyncio.gather(*(make_first_account(pool, 1, "the-token") for _ in range(4)))
        account = await pool.fetchrow("select account_id, name, plan from subscription.account")
        token = await pool.fetchrow("select token_hash, permission_set, expires_at from subscription.service_token")
        assert account is not None
        assert token is not None
        assert tuple(account) == (1, "First account", "enterprise")
        assert tuple(token) == (hashlib.sha256(b"the-token").digest(), "account_admin", None)
        assert await pool.fetchval("select count(*) from subscription.account") == 1


async def test_a_second_token_joins_the_first_and_a_revoked_one_stays_revoked(database: Database) -> None:
    async with asyncpg.create_pool(database.subscription_url, min_size=1, max_size=1) as pool:
        await make_first_account(pool, 1, "old")
        await pool.execute("update subscription.service_token set revoked_at = clock_timestamp()")
        await make_first_account(pool, 1, "old")
        await make_first_account(pool, 1, "new")
        assert await pool.fetchval("select count(*) from subscription.service_token where revoked_at is null") == 1


async def test_a_token_of_another_account_is_one_clear_line(database: Database) -> None:
    async with asyncpg.create_pool(database.subscription_url, min_size=1, max_size=1) as pool:
        await make_first_account(pool, 1, "the-token")
        with pytest.raises(SettingsError, match="the token belongs to account 1: use another one"):
            await make_first_account(pool, 2, "the-token")
        assert await pool.fetchval("select count(*) from subscription.account") == 1
