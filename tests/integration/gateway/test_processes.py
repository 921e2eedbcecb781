"""The gateway and subscription_svc as processes: a journey through both, one clear line for trouble at start."""

import base64
import json
import os
import socket
from pathlib import Path

import aiohttp
import pytest
import trustme

from tests.support.papers import issue
from tests.support.postgres import Database
from tests.support.processes import process
from tests.support.service_process import free_port


@pytest.fixture
def subscription_settings(database: Database, tmp_path: Path) -> dict[str, object]:
    """Settings of subscription_svc over this test's database, with account 12 and its token."""
    (tmp_path / "keys").write_text(f"k1:{base64.b64encode(os.urandom(32)).decode()}\n")
    (tmp_path / "token").write_text("a-token-from-a-file\n")
    return {
        "DATABASE_URL": database.subscription_url,
        "GRPC_ADDRESS": f"127.0.0.1:{free_port()}",
        "KEY_RING_FILE": tmp_path / "keys",
        "SUBSCRIPTION_FIRST_ACCOUNT_ID": 12,
        "SUBSCRIPTION_FIRST_TOKEN_FILE": tmp_path / "token",
    }


async def test_a_subscription_is_created_through_both_processes_over_mutual_tls_and_both_stop_cleanly(
    subscription_settings: dict[str, object], tmp_path: Path
) -> None:
    port, authority = free_port(), trustme.CA()
    settings = {
        "GATEWAY_ADDRESS": f"127.0.0.1:{port}",
        "SUBSCRIPTION_SVC": subscription_settings["GRPC_ADDRESS"],
        **issue(authority, tmp_path / "gateway", "gateway"),
    }
    of_service = subscription_settings | issue(authority, tmp_path / "service", "127.0.0.1")
    async with process("subscription_svc", of_service) as service, process("gateway", settings) as gateway:
        await service.ready()
        await gateway.ready()
        body = {
            "name": "n",
            "event_types": ["job.run.started"],
            "client_url": "http://localhost/nothing",
            "active": True,
        }
        async with (
            aiohttp.ClientSession(headers={"Authorization": "Token a-token-from-a-file"}) as session,
            session.post(
                f"http://127.0.0.1:{port}/api/v3/accounts/12/webhooks/subscriptions?secret=in-the-query", json=body
            ) as answer,
        ):
            assert answer.status == 201
            secret = (await answer.json())["data"]["hmac_secret"]
        assert await gateway.stop() == 0
        assert await service.stop() == 0
        for lines in (await gateway.errors(), await service.errors()):
            assert all(json.loads(line)["level"] == "info" for line in lines.splitlines())
            assert not [leak for leak in (secret, "a-token-from-a-file", "in-the-query", "localhost") if leak in lines]


async def test_the_first_account_is_made_once_and_a_second_start_finds_it(
    subscription_settings: dict[str, object],
) -> None:
    for _ in range(2):
        async with process("subscription_svc", subscription_settings) as service:
            await service.ready()
            assert await service.stop() == 0


async def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with process("gateway", {"GATEWAY_ADDRESS": address}) as gateway:
            errors = await gateway.errors()
            assert errors == f"gateway: RUNHOOK_GATEWAY_ADDRESS: cannot listen on {address}: Address already in use\n"
            assert gateway.process.returncode == 2


async def test_all_bad_settings_are_named_at_once() -> None:
    bad = {"GATEWAY_ADDRES": "x", "PUBLIC_URL": "nonsense", "GATEWAY_BODY_BYTES": "many"}
    async with process("gateway", bad) as gateway:
        lines = (await gateway.errors()).splitlines()
        assert [line.split(":")[1].strip() for line in lines] == [
            "RUNHOOK_GATEWAY_ADDRES",
            "RUNHOOK_PUBLIC_URL",
            "RUNHOOK_GATEWAY_BODY_BYTES",
        ]
        assert gateway.process.returncode == 2


async def test_half_a_first_account_is_refused(subscription_settings: dict[str, object]) -> None:
    del subscription_settings["SUBSCRIPTION_FIRST_TOKEN_FILE"]
    async with process("subscription_svc", subscription_settings) as service:
        assert "belong together" in await service.errors()
        assert service.process.returncode == 2
