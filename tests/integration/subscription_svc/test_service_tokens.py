"""The life of a service token over real gRPC and Postgres: made, shown once, used, expired, revoked."""

import asyncio
import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis import caller
from chassis.caller import CREDENTIAL_KEY
from chassis.status import Refusal, refusal_of
from runhook.subscription.v1 import account_service_pb2 as pb
from runhook.subscription.v1.account_pb2 import ServiceToken
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

MINE = bearer(TOKEN)
OUR_OWN = ((CREDENTIAL_KEY, CREDENTIAL),)


def in_seconds(seconds: float) -> Timestamp:
    """A moment so far from now."""
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC) + timedelta(seconds=seconds))
    return stamp


async def create(accounts: "Accounts", metadata: Any = MINE, **fields: Any) -> pb.CreateServiceTokenResponse:
    values: dict[str, Any] = {"account_id": ACCOUNT, "name": "CI", "permission_set": "account_admin"}
    request = pb.CreateServiceTokenRequest(service_token=ServiceToken(**(values | fields)))
    return await accounts.CreateServiceToken(request, metadata=metadata)


async def revoke(
    accounts: "Accounts", token_id: int, metadata: Any = MINE, *, account_id: int = ACCOUNT
) -> ServiceToken:
    request = pb.RevokeServiceTokenRequest(account_id=account_id, token_id=token_id)
    return (await accounts.RevokeServiceToken(request, metadata=metadata)).service_token


async def listed(accounts: "Accounts", metadata: Any = MINE, **page: Any) -> tuple[list[ServiceToken], str]:
    request = pb.ListServiceTokensRequest(account_id=ACCOUNT, **page)
    answer = await accounts.ListServiceTokens(request, metadata=metadata)
    return list(answer.service_tokens), answer.next_page_token


async def refused(call: Any) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return refusal_of(caught.value)


async def reason_of(call: Any) -> str:
    """Why a call was refused; empty when it was not."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error).reason
    return ""


async def first_token_id(service: SubscriptionService) -> int:
    found: int = await service.pool.fetchval("select min(token_id) from subscription.service_token")
    return found


async def test_a_tokens_text_is_shown_once_and_stored_as_its_hash_alone(
    accounts: "Accounts", service: SubscriptionService
) -> None:
    ends = in_seconds(3600)
    made = await create(accounts, name="Ünïcode", permission_set="read_only", expire_time=ends)
    assert re.fullmatch("rhk_[0-9A-Za-z_-]{43}", made.token)
    assert made.service_token.expire_time == ends
    row = await service.pool.fetchrow("select * from subscription.service_token where name = 'Ünïcode'")
    assert row is not None
    assert row["token_hash"] == hashlib.sha256(made.token.encode()).digest()
    assert not any(made.token[4:] in str(value) for value in row.values())
    tokens, _ = await listed(accounts)
    assert tokens[1] == made.service_token
    assert (tokens[1].name, tokens[1].permission_set) == ("Ünïcode", "read_only")


async def test_what_a_caller_sends_of_output_only_fields_is_not_read(accounts: "Accounts") -> None:
    made = (await create(accounts, token_id=99, revoke_time=in_seconds(0), last_use_time=in_seconds(0))).service_token
    assert made.token_id != 99
    assert not made.HasField("revoke_time")
    assert not made.HasField("last_use_time")


async def test_every_bad_field_is_named_at_once_and_nothing_is_made(accounts: "Accounts") -> None:
    refusal = await refused(create(accounts, name="", permission_set="root", expire_time=in_seconds(30)))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [bad.field for bad in refusal.fields] == [
        "service_token.name",
        "service_token.permission_set",
        "service_token.expire_time",
    ]
    assert len((await listed(accounts))[0]) == 1


async def test_an_expired_token_is_refused_and_stays_on_the_list(
    accounts: "Accounts", service: SubscriptionService
) -> None:
    made = await create(accounts, expire_time=in_seconds(3600))
    await service.pool.execute(
        "update subscription.service_token set expires_at = clock_timestamp() where token_id = $1",
        made.service_token.token_id,
    )
    assert (await refused(listed(accounts, bearer(made.token)))).reason == "TOKEN_UNKNOWN"
    assert [token.token_id for token in (await listed(accounts))[0]][-1] == made.service_token.token_id


async def test_an_account_never_has_more_living_tokens_than_its_limit_however_many_ask_at_once(
    database: Database,
) -> None:
    async with (
        subscription_service(database, most_tokens=3) as service,
        grpc.aio.insecure_channel(service.target) as channel,
    ):
        accounts = AccountServiceStub(channel)
        made = await asyncio.gather(*(create(accounts) for _ in range(6)), return_exceptions=True)
        refusals = [refusal_of(one) for one in made if isinstance(one, grpc.aio.AioRpcError)]
        assert [(one.code, one.reason) for one in refusals] == [(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOKEN_LIMIT")] * 4
        await revoke(accounts, (await listed(accounts))[0][-1].token_id)
        await create(accounts)  # what is revoked does not count
        assert (await refused(create(accounts))).reason == "TOKEN_LIMIT"


async def test_a_list_is_read_page_by_page_in_the_order_of_making(accounts: "Accounts") -> None:
    made = [(await create(accounts, name=f"n{place}")).service_token for place in range(5)]
    await revoke(accounts, made[1].token_id)
    names: list[str] = []
    token = ""
    while len(names) < 6:
        page, token = await listed(accounts, page_size=4, page_token=token)
        names += [one.name for one in page]
    assert (names, token) == (["First token", "n0", "n1", "n2", "n3", "n4"], "")
    refusal = await refused(listed(accounts, page_size=-1, page_token="made up"))
    assert [bad.field for bad in refusal.fields] == ["page_size", "page_token"]


async def test_a_revoked_token_keeps_the_time_of_its_end_however_often_it_is_revoked(accounts: "Accounts") -> None:
    made = await create(accounts)
    first = await revoke(accounts, made.service_token.token_id)
    assert first.revoke_time.ToDatetime(tzinfo=UTC) >= first.create_time.ToDatetime(tzinfo=UTC)
    assert await revoke(accounts, made.service_token.token_id) == first
    assert (await listed(accounts))[0][-1] == first


@pytest.mark.parametrize("token_id", [0, -1, 999_999, 2**63 - 1])
async def test_an_unknown_token_is_not_found(accounts: "Accounts", token_id: int) -> None:
    refusal = await refused(revoke(accounts, token_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "TOKEN_NOT_FOUND")


async def test_a_token_of_another_account_is_neither_shown_nor_revoked(
    accounts: "Accounts", service: SubscriptionService, database: Database
) -> None:
    await add_account(database, 8)
    theirs = bearer(await add_token(database, 8, "account_admin"))
    their_id: int = await service.pool.fetchval("select token_id from subscription.service_token where account_id = 8")
    assert (await refused(revoke(accounts, their_id))).reason == "TOKEN_NOT_FOUND"
    assert (await refused(revoke(accounts, their_id, account_id=8))).reason == "WRONG_ACCOUNT"
    assert (await refused(create(accounts, account_id=8))).reason == "WRONG_ACCOUNT"
    assert (await refused(listed(accounts, theirs))).reason == "WRONG_ACCOUNT"
    await create(accounts)
    _, mine_after_first = await listed(accounts, page_size=1)
    answer = await accounts.ListServiceTokens(
        pb.ListServiceTokensRequest(account_id=8, page_token=mine_after_first), metadata=theirs
    )
    assert {token.account_id for token in answer.service_tokens} == {8}


async def test_the_last_account_admin_token_does_not_revoke_itself(
    accounts: "Accounts", service: SubscriptionService
) -> None:
    first = await first_token_id(service)
    await create(accounts, permission_set="admin")
    refusal = await refused(revoke(accounts, first))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LAST_ADMIN_TOKEN")
    second = await create(accounts)
    await service.pool.execute(
        "update subscription.service_token set expires_at = clock_timestamp() where token_id = $1",
        second.service_token.token_id,
    )
    assert (await refused(revoke(accounts, first))).reason == "LAST_ADMIN_TOKEN"  # an expired one helps nobody
    third = await create(accounts)
    await revoke(accounts, first)
    assert (
        await refused(revoke(accounts, third.service_token.token_id, bearer(third.token)))
    ).reason == "LAST_ADMIN_TOKEN"


async def test_the_last_account_admin_token_is_revoked_by_the_platforms_own_processes(
    accounts: "Accounts", service: SubscriptionService
) -> None:
    ended = await revoke(accounts, await first_token_id(service), OUR_OWN)
    assert ended.HasField("revoke_time")
    await create(accounts, OUR_OWN)


async def test_of_two_that_revoke_themselves_at_once_one_remains(
    accounts: "Accounts", service: SubscriptionService
) -> None:
    for _ in range(5):
        pair = [await create(accounts, OUR_OWN) for _ in range(2)]
        await service.pool.execute(
            "update subscription.service_token set revoked_at = clock_timestamp() where token_id <> all ($1::bigint[])",
            [one.service_token.token_id for one in pair],
        )
        outcomes = await asyncio.gather(
            *(revoke(accounts, one.service_token.token_id, bearer(one.token)) for one in pair), return_exceptions=True
        )
        refusals = [refusal_of(one).reason for one in outcomes if isinstance(one, grpc.aio.AioRpcError)]
        assert refusals == ["LAST_ADMIN_TOKEN"]


async def test_of_two_that_revoke_each_other_at_once_one_remains(
    accounts: "Accounts", service: SubscriptionService
) -> None:
    one, other = [await create(accounts, OUR_OWN) for _ in range(2)]
    await revoke(accounts, await first_token_id(service), OUR_OWN)
    outcomes = await asyncio.gather(
        revoke(accounts, other.service_token.token_id, bearer(one.token)),
        revoke(accounts, one.service_token.token_id, bearer(other.token)),
        return_exceptions=True,
    )
    refusals = [refusal_of(outcome).reason for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert refusals == ["TOKEN_UNKNOWN"]
    assert sum(not token.HasField("revoke_time") for token in (await listed(accounts, OUR_OWN))[0]) == 1


async def test_a_revoked_token_makes_no_successor_while_it_is_still_remembered(
    accounts: "Accounts", service: SubscriptionService
) -> None:
    stolen = await create(accounts)
    await listed(accounts, bearer(stolen.token))
    await revoke(accounts, stolen.service_token.token_id)
    await listed(accounts, bearer(stolen.token))  # remembered: it still reads
    assert (await refused(create(accounts, bearer(stolen.token)))).reason == "TOKEN_UNKNOWN"
    assert (
        await refused(revoke(accounts, await first_token_id(service), bearer(stolen.token)))
    ).reason == "TOKEN_UNKNOWN"


async def test_a_revoked_token_is_refused_once_it_is_forgotten_and_at_once_where_it_was_never_seen(
    accounts: "Accounts", database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "KNOWN_SECONDS", 0.5)
    made = await create(accounts)
    await listed(accounts, bearer(made.token))
    await revoke(accounts, made.service_token.token_id)
    async with (
        subscription_service(database) as another,
        grpc.aio.insecure_channel(another.target) as channel,
    ):
        assert (await refused(listed(AccountServiceStub(channel), bearer(made.token)))).reason == "TOKEN_UNKNOWN"
    async with asyncio.timeout(20):
        while await reason_of(listed(accounts, bearer(made.token))) != "TOKEN_UNKNOWN":  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.1)


async def test_the_last_use_is_written_once_in_five_minutes(accounts: "Accounts", database: Database) -> None:
    made = await create(accounts)

    async def use_elsewhere() -> Timestamp:
        """By a process that has never seen the token, which therefore asks Postgres."""
        async with (
            subscription_service(database) as another,
            grpc.aio.insecure_channel(another.target) as channel,
        ):
            tokens, _ = await listed(AccountServiceStub(channel), bearer(made.token))
            return tokens[-1].last_use_time

    assert not made.service_token.HasField("last_use_time")
    first = await use_elsewhere()
    assert abs(first.ToDatetime(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=1)
    assert await use_elsewhere() == first
    async with subscription_service(database) as service:
        await service.pool.execute(
            "update subscription.service_token set last_used_at = last_used_at - interval '5 minutes 1 second'"
        )
    assert (await use_elsewhere()).ToNanoseconds() > first.ToNanoseconds()
