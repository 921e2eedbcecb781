"""Who may do what with subscriptions: the rows of the rights table, the tenant's walls, our own processes."""

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from chassis.caller import CREDENTIAL_KEY
from chassis.status import refusal_of
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import Subscription
from tests.support.grpc_peer import bearer
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, CREDENTIAL, TOKEN, add_account, add_token

if TYPE_CHECKING:
    from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceAsyncStub as Stub

OUR_OWN = ((CREDENTIAL_KEY, CREDENTIAL),)
WRITES, READS, NOTHING = "writes", "reads", "nothing"


async def allowed(stub: "Stub", account_id: int, metadata: Any) -> str:
    """What a caller may do in the account, found out by doing it."""
    wish = Subscription(
        account_id=account_id, name="n", event_types=["job.run.started"], client_url="https://x.io", active=True
    )
    try:
        await stub.ListSubscriptions(pb.ListSubscriptionsRequest(account_id=account_id), metadata=metadata)
    except grpc.aio.AioRpcError as error:
        return refusal_of(error).reason
    try:
        answer = await stub.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wish), metadata=metadata)
    except grpc.aio.AioRpcError as error:
        return READS if refusal_of(error).reason == "MISSING_PERMISSION" else refusal_of(error).reason
    name: dict[str, Any] = {"account_id": account_id, "subscription_id": answer.subscription.subscription_id}
    await stub.GetSubscription(pb.GetSubscriptionRequest(**name), metadata=metadata)
    await stub.DeleteSubscription(pb.DeleteSubscriptionRequest(**name), metadata=metadata)
    return WRITES


@pytest.mark.parametrize(
    ("permission_set", "enterprise", "team"),
    [
        ("account_admin", WRITES, WRITES),
        ("admin", WRITES, WRITES),
        ("developer", WRITES, READS),
        ("member", WRITES, WRITES),
        ("webhooks_only", WRITES, WRITES),
        ("read_only", READS, READS),
        ("publisher", "MISSING_PERMISSION", "MISSING_PERMISSION"),
        ("runner", "MISSING_PERMISSION", "MISSING_PERMISSION"),
    ],
)
async def test_a_permission_set_may_do_this_on_each_plan(
    stub: "Stub", database: Database, permission_set: str, enterprise: str, team: str
) -> None:
    for account_id, plan, expected in ((8, "enterprise", enterprise), (9, "team", team)):
        await add_account(database, account_id, plan=plan)
        token = await add_token(database, account_id, permission_set)
        assert await allowed(stub, account_id, bearer(token)) == expected


async def test_a_token_stays_within_its_account(stub: "Stub", database: Database) -> None:
    await add_account(database, 8)
    assert await allowed(stub, 8, bearer(TOKEN)) == "WRONG_ACCOUNT"
    assert await allowed(stub, 999, bearer(TOKEN)) == "WRONG_ACCOUNT"
    assert await allowed(stub, 0, bearer(TOKEN)) == "ACCOUNT_NOT_FOUND"
    assert await allowed(stub, -1, bearer("unknown")) == "TOKEN_UNKNOWN"


async def test_our_own_processes_may_act_for_every_account_that_exists(stub: "Stub") -> None:
    assert await allowed(stub, ACCOUNT, OUR_OWN) == WRITES
    wish = Subscription(account_id=8, name="n", event_types=["job.run.started"], client_url="https://x.io")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wish), metadata=OUR_OWN)
    assert refusal_of(caught.value).reason == "ACCOUNT_NOT_FOUND"


async def test_a_wrong_service_credential_is_nobody(stub: "Stub") -> None:
    assert await allowed(stub, ACCOUNT, ((CREDENTIAL_KEY, "guessed"),)) == "CREDENTIAL_UNKNOWN"
