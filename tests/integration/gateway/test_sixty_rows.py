"""Section 5 of the inbound contract, every row of it: one table, over real sockets, gateway, trigger_svc and Postgres.

The table is in tests/support/rows/, a room for each group of rows.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from subscription_svc.bootstrap import make_first_account
from tests.support import trigger_service
from tests.support.gateway import gateway
from tests.support.postgres import Cluster
from tests.support.rows import bodies, requests, troubles, verification, windows
from tests.support.rows.row import House, Row, try_row
from tests.support.subscription import ACCOUNT, TOKEN

TABLE: tuple[Row, ...] = (*requests.ROWS, *bodies.ROWS, *verification.ROWS, *troubles.ROWS, *windows.ROWS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """What all rows share: each makes triggers of its own."""
    database = await cluster.create()
    directory: Path = tmp_path_factory.mktemp("rows")
    async with asyncpg.create_pool(database.subscription_url, min_size=1, max_size=1) as pool:
        await make_first_account(pool, ACCOUNT, TOKEN)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(trigger_service.service(database, directory))
        call = await stack.enter_async_context(
            gateway(
                token=TOKEN,
                trigger_svc=service.target,
                credential=trigger_service.CREDENTIAL,
                gateway_failure_rate=0,  # many rows are refusals
            )
        )
        yield House(call=call, service=service, database=database, directory=directory)
    await cluster.drop(database)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, marks=[pytest.mark.xfail(reason=row.missing, strict=True)] if row.missing else [])
        for row in TABLE
    ],
    ids=lambda row: row.name,
)
async def test_a_row_of_the_contract_holds(house: House, row: Row) -> None:
    await try_row(row, house)


def test_every_row_of_the_contract_is_in_the_table() -> None:
    assert {row.number for row in TABLE} == set(range(1, 61))
