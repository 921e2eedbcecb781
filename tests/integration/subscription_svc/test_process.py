"""`python -m subscription_svc` as a deployment runs it: both services at one door, told by reflection, and a discreet log."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from runhook.subscription.v1 import account_service_pb2 as accounts_pb
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.account_pb2 import Account, ServiceToken
from runhook.subscription.v1.account_service_pb2_grpc import AccountServiceStub
from runhook.subscription.v1.subscription_pb2 import CustomHeader, DeliverySettings, Subscription
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from tests.support.certificates import pair
from tests.support.grpc_peer import bearer
from tests.support.postgres import Database
from tests.support.service_process import ROOT, free_port, running

FIRST_TOKEN = "rhk_first-token-of-this-test"
CERTIFICATE = pair()


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> dict[str, object]:
    """What a deployment says: the database, a key ring, the first account and its token."""
    ring, token = tmp_path / "ring", tmp_path / "token"
    ring.write_text(f"k1:{base64.b64encode(os.urandom(32)).decode()}\n")
    token.write_text(f"{FIRST_TOKEN}\n")
    return {
        "DATABASE_URL": database.subscription_url,
        "GRPC_ADDRESS": f"127.0.0.1:{free_port()}",
        "KEY_RING_FILE": ring,
        "SUBSCRIPTION_FIRST_ACCOUNT_ID": 3,
        "SUBSCRIPTION_FIRST_TOKEN_FILE": token,
        "OPERATOR_ACCOUNT_ID": 3,
    }


async def test_both_services_answer_at_one_door_and_reflection_names_them(settings: dict[str, object]) -> None:
    async with running("subscription_svc", settings) as process:
        with grpc.insecure_channel(str(settings["GRPC_ADDRESS"])) as channel:
            named = set(ProtoReflectionDescriptorDatabase(channel).get_services())
        assert named >= {"runhook.subscription.v1.SubscriptionService", "runhook.subscription.v1.AccountService"}
        assert await process.stop() == 0


@asynccontextmanager
async def logging_to(log: Path, settings: dict[str, object]) -> AsyncIterator[None]:
    """The process, its log written to a file; ended by SIGTERM."""
    environment = {f"RUNHOOK_{name}": str(value) for name, value in settings.items()}
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "subscription_svc"),
            env={**os.environ, **environment, "RUNHOOK_METRICS_ADDRESS": f"127.0.0.1:{free_port()}"},
            cwd=ROOT,
            stderr=written,
        )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def whole_life(channel: grpc.aio.Channel) -> list[str]:
    """One of everything that has a secret; the texts that only its owner may know."""
    accounts, subscriptions = AccountServiceStub(channel), SubscriptionServiceStub(channel)
    first = bearer(FIRST_TOKEN)
    made = await accounts.CreateAccount(accounts_pb.CreateAccountRequest(account=Account(name="Next")), metadata=first)
    wanted = ServiceToken(account_id=3, name="CI", permission_set="member")
    token = await accounts.CreateServiceToken(
        accounts_pb.CreateServiceTokenRequest(service_token=wanted), metadata=first
    )
    wish = Subscription(account_id=3, name="n", event_types=["job.run.started"], client_url="https://x.io", active=True)
    created = await subscriptions.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wish), metadata=first)
    name: dict[str, Any] = {"account_id": 3, "subscription_id": created.subscription.subscription_id}
    rotated = await subscriptions.RotateSigningSecret(pb.RotateSigningSecretRequest(**name), metadata=first)
    headers = [CustomHeader(name="X-Api-Key", value="s3cret-value")]
    await subscriptions.SetCustomHeaders(pb.SetCustomHeadersRequest(**name, custom_headers=headers), metadata=first)
    await subscriptions.SetClientCertificate(pb.SetClientCertificateRequest(**name, **CERTIFICATE.body), metadata=first)
    settings = DeliverySettings(concurrency=2)
    await subscriptions.SetDeliverySettings(
        pb.SetDeliverySettingsRequest(**name, delivery_settings=settings), metadata=first
    )
    await subscriptions.PromoteSigningSecret(pb.PromoteSigningSecretRequest(**name), metadata=first)
    await accounts.RevokeServiceToken(
        accounts_pb.RevokeServiceTokenRequest(account_id=3, token_id=token.service_token.token_id), metadata=first
    )
    texts = [FIRST_TOKEN, made.token, token.token, created.signing_secret, rotated.signing_secret, "s3cret-value"]
    return [*texts, CERTIFICATE.key.splitlines()[1]]


async def test_every_change_is_one_line_of_the_log_and_no_line_holds_a_secret(
    settings: dict[str, object], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with (
        logging_to(log, settings),
        grpc.aio.insecure_channel(str(settings["GRPC_ADDRESS"])) as channel,
        asyncio.timeout(30),
    ):
        await channel.channel_ready()
        secrets = await whole_life(channel)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    changes = [line["event"] for line in lines if not line["event"].startswith("process.")]
    assert changes == [
        "account.ready",
        "account.created",
        "service_token.created",
        "service_token.created",
        "subscription.created",
        "signing_secret.rotated",
        "custom_headers.set",
        "client_certificate.set",
        "delivery_settings.set",
        "signing_secret.promoted",
        "service_token.revoked",
    ]
    assert [secret for secret in secrets if secret in log.read_text()] == []
