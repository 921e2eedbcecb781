"""Accounts over real gRPC and Postgres: made with their first token, numbered without a race, listed by those who may."""

import asyncio
import re
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from chassis.caller import CREDENTIAL_KEY
from chassis.ids import is_id, ksuid_seconds
from chassis.status import Refusal, refusal_of
from runhook.subscription.v1 import account_service_pb2 as pb
from runhook.subscription.v1.account_pb2 import ACCOUNT_PLAN_ENTERPRISE, ACCOUNT_PLAN_TEAM, Account
from runhook.subscription.v1.account_service_pb2_grpc import AccountServiceStub
from tests.support.grpc_peer import bearer
from tests.support.postgres import Database
from tests.support.subscription import (
    ACCOUNT,
    CREDENTIAL,
    TOKEN,
    SubscriptionService,
    add_account,
    add_token,
    subscription_service,
)

if TYPE_CHECKING:
    from runhook.subscription.v1.account_service_pb2_grpc import AccountServiceAsyncStub as Accounts

OUR_OWN = ((CREDENTIAL_KEY, CREDENTIAL),)
COUNTS = "select (select count(*) from subscription.account), (select count(*) from subscription.service_token)"


async def create(accounts: "Accounts", metadata: Any = OUR_OWN, **fields: Any) -> pb.CreateAccountResponse:
    request = pb.CreateAccountRequest(account=Account(**({"name": "New"} | fields)))
    return await accounts.CreateAccount(request, metadata=metadata)


async def listed(accounts: "Accounts", metadata: Any = OUR_OWN, **page: Any) -> tuple[list[int], str]:
    answer = await accounts.ListAccounts(pb.ListAccountsRequest(**page), metadata=metadata)
    return [account.account_id for account in answer.accounts], answer.next_page_token


async def refused(call: Any) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return refusal_of(caught.value)


async def test_an_account_comes_with_a_token_that_administers_it(
    accounts: "Accounts", service: SubscriptionService
) -> None:
    made = await create(accounts, account_id=12, name="Ünïcode", plan=ACCOUNT_PLAN_TEAM)
    account, token = made.account, made.service_token
    assert (account.account_id, account.name, account.plan) == (12, "Ünïcode", ACCOUNT_PLAN_TEAM)
    assert is_id("act_", account.account_identifier)
    assert abs(ksuid_seconds(account.account_identifier[4:]) - account.create_time.seconds) <= 1
    assert re.fullmatch("rhk_[0-9A-Za-z_-]{43}", made.token)
    assert (token.account_id, token.permission_set, token.HasField("expire_time")) == (12, "account_admin", False)
    answer = await accounts.ListAccounts(pb.ListAccountsRequest(), metadata=bearer(made.token))
    assert list(answer.accounts) == [account]


async def test_a_number_that_is_not_said_is_above_the_highest_and_a_plan_is_enterprise(accounts: "Accounts") -> None:
    await create(accounts, account_id=9_000)
    made = (await create(accounts)).account
    assert (made.account_id, made.plan) == (9_001, ACCOUNT_PLAN_ENTERPRISE)


async def test_accounts_made_at_once_get_a_number_each(accounts: "Accounts") -> None:
    made = await asyncio.gather(*(create(accounts, name=f"n{place}") for place in range(20)))
    assert sorted(one.account.account_id for one in made) == list(range(ACCOUNT + 1, ACCOUNT + 21))
    assert len({one.token for one in made}) == 20


async def test_of_two_that_want_the_same_number_at_once_one_gets_it(
    accounts: "Accounts", service: SubscriptionService
) -> None:
    made = await asyncio.gather(*(create(accounts, account_id=77) for _ in range(6)), return_exceptions=True)
    refusals = [refusal_of(one) for one in made if isinstance(one, grpc.aio.AioRpcError)]
    assert {(one.code, one.reason) for one in refusals} == {(grpc.StatusCode.ALREADY_EXISTS, "ACCOUNT_EXISTS")}
    assert len(refusals) == 5
    counted = await service.pool.fetchrow(COUNTS)
    assert counted is not None
    assert tuple(counted) == (2, 2)


async def test_above_the_highest_possible_number_there_is_none(accounts: "Accounts") -> None:
    await create(accounts, account_id=2**63 - 1)
    refusal = await refused(create(accounts))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_NUMBER_ABOVE")
    assert (await create(accounts, account_id=5)).account.account_id == 5


async def test_bad_fields_are_named_at_once_and_nothing_is_made(
    accounts: "Accounts", service: SubscriptionService
) -> None:
    refusal = await refused(create(accounts, account_id=-1, name="", plan=99))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [bad.field for bad in refusal.fields] == ["account.account_id", "account.name", "account.plan"]
    counted = await service.pool.fetchrow(COUNTS)
    assert counted is not None
    assert tuple(counted) == (1, 1)


async def test_the_operators_account_admin_makes_accounts_and_sees_its_own(database: Database) -> None:
    async with (
        subscription_service(database, operator_account_id=ACCOUNT) as service,
        grpc.aio.insecure_channel(service.target) as channel,
    ):
        accounts = AccountServiceStub(channel)
        made = await create(accounts, bearer(TOKEN), account_id=12)
        assert await listed(accounts, bearer(TOKEN)) == ([ACCOUNT], "")
        assert await listed(accounts, bearer(made.token)) == ([12], "")
        assert await listed(accounts) == ([12, ACCOUNT], "")


async def test_a_revoked_operators_token_makes_no_account_while_it_is_still_remembered(database: Database) -> None:
    async with (
        subscription_service(database, operator_account_id=ACCOUNT) as service,
        grpc.aio.insecure_channel(service.target) as channel,
    ):
        accounts = AccountServiceStub(channel)
        await listed(accounts, bearer(TOKEN))
        await service.pool.execute("update subscription.service_token set revoked_at = clock_timestamp()")
        refusal = await refused(create(accounts, bearer(TOKEN)))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_UNKNOWN")
        assert await listed(accounts) == ([ACCOUNT], "")


async def test_a_list_is_read_page_by_page_in_the_order_of_numbers(accounts: "Accounts") -> None:
    for account_id in (9, 3, 7_000, 5):
        await create(accounts, account_id=account_id)
    first, token = await listed(accounts, page_size=2)
    second, token_after = await listed(accounts, page_size=2, page_token=token)
    third, end = await listed(accounts, page_size=2, page_token=token_after)
    assert (first, second, third, end) == ([3, 5], [9, ACCOUNT], [7_000], "")
    assert await listed(accounts, page_size=5) == ([3, 5, 9, ACCOUNT, 7_000], "")
    # A token says where to go on, and never what may be seen.
    assert await listed(accounts, bearer(TOKEN), page_token=token) == ([ACCOUNT], "")
    assert await listed(accounts, bearer(TOKEN), page_token=token_after) == ([], "")


async def test_a_bad_page_is_refused(accounts: "Accounts") -> None:
    refusal = await refused(listed(accounts, page_size=-1, page_token="made up"))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [bad.field for bad in refusal.fields] == ["page_size", "page_token"]


async def test_no_token_sees_another_account(accounts: "Accounts", database: Database) -> None:
    await add_account(database, 8)
    theirs = await add_token(database, 8, "account_admin")
    assert await listed(accounts, bearer(theirs)) == ([8], "")
    assert await listed(accounts, bearer(TOKEN)) == ([ACCOUNT], "")
    assert (await refused(listed(accounts, bearer("unknown")))).reason == "TOKEN_UNKNOWN"
