"""Who may do what: the rows of the rights table call by call, the tenant's walls, our own processes, the operator."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from chassis.caller import CREDENTIAL_KEY
from chassis.status import refusal_of
from runhook.subscription.v1 import account_service_pb2 as accounts_pb
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.account_pb2 import Account, ServiceToken
from runhook.subscription.v1.account_service_pb2_grpc import AccountServiceStub
from runhook.subscription.v1.subscription_pb2 import Subscription
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from tests.support.grpc_peer import bearer
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, CREDENTIAL, TOKEN, add_account, add_token, subscription_service

if TYPE_CHECKING:
    from runhook.subscription.v1.account_service_pb2_grpc import AccountServiceAsyncStub as Accounts
    from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceAsyncStub as Subscriptions

OUR_OWN = ((CREDENTIAL_KEY, CREDENTIAL),)
OPERATOR, ENTERPRISE, TEAM = 7, 8, 9
NOBODYS = "wsu_" + "0" * 27
WRITES, READS, NOTHING = "writes", "reads", "nothing"
PERMITTED = "permitted"
# Any of these comes after the caller was let in: the requests name what is not there, so that asking changes nothing.
LET_IN = {"SUBSCRIPTION_NOT_FOUND", "TOKEN_NOT_FOUND", "INVALID_INPUT"}


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Clients of both services."""

    subscriptions: "Subscriptions"
    accounts: "Accounts"


@pytest.fixture
async def doors(database: Database) -> AsyncIterator[Doors]:
    """A service with an operator's account, and one account on each plan."""
    for account_id, plan in ((OPERATOR, "enterprise"), (ENTERPRISE, "enterprise"), (TEAM, "team")):
        await add_account(database, account_id, plan=plan)
    async with (
        subscription_service(database, operator_account_id=OPERATOR) as service,
        grpc.aio.insecure_channel(service.target) as channel,
    ):
        yield Doors(subscriptions=SubscriptionServiceStub(channel), accounts=AccountServiceStub(channel))


async def answer(call: Any) -> str:
    """PERMITTED, or the reason why not."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        reason = refusal_of(error).reason
        return PERMITTED if reason in LET_IN else reason
    return PERMITTED


def named(account_id: int) -> dict[str, Any]:
    """A subscription that nobody has."""
    return {"account_id": account_id, "subscription_id": NOBODYS}


def webhook_reads(doors: Doors, account_id: int, metadata: Any) -> list[Any]:
    stub, one = doors.subscriptions, named(account_id)
    return [
        stub.ListSubscriptions(pb.ListSubscriptionsRequest(account_id=account_id), metadata=metadata),
        stub.GetSubscription(pb.GetSubscriptionRequest(**one), metadata=metadata),
        stub.ListSigningSecrets(pb.ListSigningSecretsRequest(**one), metadata=metadata),
        stub.ListCustomHeaders(pb.ListCustomHeadersRequest(**one), metadata=metadata),
        stub.GetDeliverySettings(pb.GetDeliverySettingsRequest(**one), metadata=metadata),
        stub.GetClientCertificate(pb.GetClientCertificateRequest(**one), metadata=metadata),
    ]


def webhook_writes(doors: Doors, account_id: int, metadata: Any) -> list[Any]:
    stub, one = doors.subscriptions, named(account_id)
    wish = Subscription(**one)
    return [
        stub.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wish), metadata=metadata),
        stub.UpdateSubscription(pb.UpdateSubscriptionRequest(subscription=wish), metadata=metadata),
        stub.DeleteSubscription(pb.DeleteSubscriptionRequest(**one), metadata=metadata),
        stub.RotateSigningSecret(pb.RotateSigningSecretRequest(**one), metadata=metadata),
        stub.PromoteSigningSecret(pb.PromoteSigningSecretRequest(**one), metadata=metadata),
        stub.SetCustomHeaders(pb.SetCustomHeadersRequest(**one), metadata=metadata),
        stub.SetDeliverySettings(pb.SetDeliverySettingsRequest(**one), metadata=metadata),
        stub.SetClientCertificate(pb.SetClientCertificateRequest(**one), metadata=metadata),
    ]


def token_reads(doors: Doors, account_id: int, metadata: Any) -> list[Any]:
    request = accounts_pb.ListServiceTokensRequest(account_id=account_id)
    return [doors.accounts.ListServiceTokens(request, metadata=metadata)]


def token_writes(doors: Doors, account_id: int, metadata: Any) -> list[Any]:
    making = accounts_pb.CreateServiceTokenRequest(service_token=ServiceToken(account_id=account_id))
    revoking = accounts_pb.RevokeServiceTokenRequest(account_id=account_id, token_id=999_999)
    return [
        doors.accounts.CreateServiceToken(making, metadata=metadata),
        doors.accounts.RevokeServiceToken(revoking, metadata=metadata),
    ]


async def account_making(doors: Doors, metadata: Any) -> str:
    return await answer(doors.accounts.CreateAccount(accounts_pb.CreateAccountRequest(), metadata=metadata))


async def right(reads: list[Any], writes: list[Any]) -> str:
    """What the calls show; every call of a kind says the same."""
    [reading] = {await answer(call) for call in reads}
    [writing] = {await answer(call) for call in writes}
    found = {(PERMITTED, PERMITTED): WRITES, (PERMITTED, "MISSING_PERMISSION"): READS}
    return found.get(
        (reading, writing), NOTHING if reading == writing == "MISSING_PERMISSION" else f"{reading}, {writing}"
    )


@pytest.mark.parametrize(
    ("permission_set", "enterprise_webhooks", "team_webhooks", "tokens", "of_the_operator_makes_accounts"),
    [
        ("account_admin", WRITES, WRITES, WRITES, True),
        ("admin", WRITES, WRITES, READS, False),
        ("developer", WRITES, READS, READS, False),
        ("member", WRITES, WRITES, READS, False),
        ("webhooks_only", WRITES, WRITES, NOTHING, False),
        ("read_only", READS, READS, NOTHING, False),
        ("publisher", NOTHING, NOTHING, NOTHING, False),
        ("runner", NOTHING, NOTHING, NOTHING, False),
    ],
)
async def test_a_permission_set_may_do_this_on_each_plan_and_no_more(
    doors: Doors,
    database: Database,
    permission_set: str,
    enterprise_webhooks: str,
    team_webhooks: str,
    tokens: str,
    of_the_operator_makes_accounts: bool,
) -> None:
    for account_id, webhooks in ((ENTERPRISE, enterprise_webhooks), (TEAM, team_webhooks)):
        mine = bearer(await add_token(database, account_id, permission_set))
        assert await right(webhook_reads(doors, account_id, mine), webhook_writes(doors, account_id, mine)) == webhooks
        assert await right(token_reads(doors, account_id, mine), token_writes(doors, account_id, mine)) == tokens
        assert await account_making(doors, mine) == "OPERATOR_ONLY"
        seen = await doors.accounts.ListAccounts(accounts_pb.ListAccountsRequest(), metadata=mine)
        assert [account.account_id for account in seen.accounts] == [account_id]
    operators = bearer(await add_token(database, OPERATOR, permission_set))
    expected = PERMITTED if of_the_operator_makes_accounts else "MISSING_PERMISSION"
    assert await account_making(doors, operators) == expected


@pytest.mark.parametrize("account_id", [ENTERPRISE, OPERATOR, 999])
async def test_a_token_stays_within_its_account_whether_the_other_one_exists_or_not(
    doors: Doors, account_id: int
) -> None:
    mine = bearer(TOKEN)
    for calls in (webhook_reads, webhook_writes, token_reads, token_writes):
        assert {await answer(call) for call in calls(doors, account_id, mine)} == {"WRONG_ACCOUNT"}


async def test_the_operators_token_has_no_right_in_other_accounts(doors: Doors, database: Database) -> None:
    operators = bearer(await add_token(database, OPERATOR, "account_admin"))
    for calls in (webhook_reads, webhook_writes, token_reads, token_writes):
        assert {await answer(call) for call in calls(doors, ENTERPRISE, operators)} == {"WRONG_ACCOUNT"}


async def test_an_account_that_cannot_exist_is_not_found_by_those_we_know(doors: Doors) -> None:
    for calls in (webhook_reads, webhook_writes, token_reads, token_writes):
        assert {await answer(call) for call in calls(doors, 0, bearer(TOKEN))} == {"ACCOUNT_NOT_FOUND"}
        assert {await answer(call) for call in calls(doors, -1, bearer("unknown"))} == {"TOKEN_UNKNOWN"}
        assert {await answer(call) for call in calls(doors, ACCOUNT, ())} == {"TOKEN_MISSING"}


async def test_our_own_processes_may_act_for_every_account_that_exists(doors: Doors) -> None:
    for account_id in (ACCOUNT, ENTERPRISE, TEAM):
        assert (
            await right(webhook_reads(doors, account_id, OUR_OWN), webhook_writes(doors, account_id, OUR_OWN)) == WRITES
        )
        assert await right(token_reads(doors, account_id, OUR_OWN), token_writes(doors, account_id, OUR_OWN)) == WRITES
    assert await account_making(doors, OUR_OWN) == PERMITTED
    wish = Subscription(account_id=999, name="n", event_types=["job.run.started"], client_url="https://x.io")
    making = doors.subscriptions.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wish), metadata=OUR_OWN)
    assert await answer(making) == "ACCOUNT_NOT_FOUND"
    token = ServiceToken(account_id=999, name="n", permission_set="member")
    issuing = accounts_pb.CreateServiceTokenRequest(service_token=token)
    assert await answer(doors.accounts.CreateServiceToken(issuing, metadata=OUR_OWN)) == "ACCOUNT_NOT_FOUND"


async def test_a_wrong_service_credential_is_nobody(doors: Doors) -> None:
    guessed = ((CREDENTIAL_KEY, "guessed"),)
    assert await account_making(doors, guessed) == "CREDENTIAL_UNKNOWN"
    for calls in (webhook_reads, token_writes):
        assert {await answer(call) for call in calls(doors, ACCOUNT, guessed)} == {"CREDENTIAL_UNKNOWN"}


async def test_without_an_operators_account_only_our_own_processes_make_accounts(database: Database) -> None:
    async with (
        subscription_service(database) as service,
        grpc.aio.insecure_channel(service.target) as channel,
    ):
        doors = Doors(subscriptions=SubscriptionServiceStub(channel), accounts=AccountServiceStub(channel))
        assert await account_making(doors, bearer(TOKEN)) == "OPERATOR_ONLY"
        request = accounts_pb.CreateAccountRequest(account=Account(name="New"))
        await doors.accounts.CreateAccount(request, metadata=OUR_OWN)


async def test_nobody_but_our_own_processes_deactivates(doors: Doors, database: Database) -> None:
    request = pb.DeactivateSubscriptionRequest(account_id=ACCOUNT, subscription_id=NOBODYS, reason="r", version=1)
    for metadata, expected in ((bearer(TOKEN), "SERVICE_ONLY"), (OUR_OWN, PERMITTED)):
        assert await answer(doors.subscriptions.DeactivateSubscription(request, metadata=metadata)) == expected
