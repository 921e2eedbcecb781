"""dbtc (PyPI): its Python API and its command, in each form that they have had since webhooks came in 0.4."""

import hashlib
import hmac
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.compatibility.installed import Session, environment, install, run, session
from tests.compatibility.served import Served
from tests.support.linux import need_linux, processes_of
from tests.support.receiver import Receiver

pytestmark = pytest.mark.timeout(900)
NOT_FOUND = "The requested resource was not found. Please check that you have the proper permissions."


class Dbtc(NamedTuple):
    """A version. `beside` is what else pip is told; `tracks`: it reports its use to its author unless told not to.

    `job_ids` is what its model of a webhook takes; `grouped`: its command is `webhooks list`, before `list-webhooks`.
    """

    version: str
    beside: str
    tracks: bool
    job_ids: Any
    grouped: bool

    @property
    def options(self) -> dict[str, Any]:
        return {"do_not_track": True} if self.tracks else {}

    def command(self, action: str) -> list[str]:
        before = ["--do-not-track"] if self.tracks else []
        return before + (["webhooks", action] if self.grouped else [f"{action}-webhook{'s' * (action == 'list')}"])


VERSIONS = (
    Dbtc("0.4.2", "click<8.2", True, [5, 6], False),
    Dbtc("0.9.0", "click<8.2", True, 5, False),
    Dbtc("0.11.0", "click<8.2", True, 5, True),
    Dbtc("0.11.7", "pyarrow<20", False, 5, True),
)
WISH = {"name": "by dbtc", "client_url": "https://example.com/", "event_types": ["job.run.started"], "active": True}


class Installed(NamedTuple):
    dbtc: Dbtc
    programs: Path
    env: dict[str, str]
    client: Session


@pytest.fixture(params=VERSIONS, ids=[dbtc.version for dbtc in VERSIONS])
async def installed(
    request: pytest.FixtureRequest, cache: Path, platform: Served, tmp_path: Path
) -> AsyncIterator[Installed]:
    dbtc: Dbtc = request.param
    programs = install(cache, f"dbtc=={dbtc.version}", dbtc.beside)
    told = {"DBT_CLOUD_HOST": platform.host, "DBT_CLOUD_SERVICE_TOKEN": platform.token, "DBT_CLOUD_ACCOUNT_ID": "1"}
    env = environment(tmp_path, **told, **platform.trust)
    async with session(programs, "dbtc:dbtCloudClient", "cloud", env=env, **dbtc.options) as client:
        yield Installed(dbtc, programs, env, client)


async def test_its_python_api_creates_lists_edits_what_it_read_tests_and_deletes(installed: Installed) -> None:
    client, job_ids = installed.client, installed.dbtc.job_ids
    async with Receiver(200) as receiver:
        made = await client("create_webhook", 1, WISH | {"client_url": receiver.url, "job_ids": job_ids})
        webhook = made["data"]
        assert made["status"] == {"code": 201}
        assert webhook["job_ids"] == [str(one) for one in (job_ids if isinstance(job_ids, list) else [job_ids])]
        await client("create_webhook", 1, WISH)
        page = await client("list_webhooks", 1, limit=1, offset=1)
        assert page["extra"]["pagination"] == {"total_count": 2, "count": 1}
        second = page["data"][0]["id"]
        assert [one["id"] for one in (await client("list_webhooks", 1))["data"]] == [webhook["id"], second]

        read = (await client("get_webhook", 1, webhook["id"]))["data"]
        assert read == {key: value for key, value in webhook.items() if key != "hmac_secret"}
        edited = (await client("update_webhook", 1, webhook["id"], read | {"name": "edited"}))["data"]
        assert edited == read | {"name": "edited", "updated_at": edited["updated_at"]}

        tested = await client("test_webhook", 1, webhook["id"])
        assert tested["data"] == {"verification_error": None, "verification_status_code": "200"}
        sent = await receiver.request(1)
        signature = hmac.new(webhook["hmac_secret"].encode(), sent.body, hashlib.sha256).hexdigest()
        assert sent.headers["authorization"] == signature
    for gone in (webhook["id"], second):
        deleted = await client("delete_webhook", 1, gone)
        assert (deleted["data"], deleted["status"]) == ({"id": gone}, {"code": 200, "is_success": True})


async def test_its_command_does_the_same(installed: Installed) -> None:
    async def dbtc(action: str, *arguments: str) -> Any:
        command = [*installed.dbtc.command(action), *arguments]
        return json.loads(await run(installed.programs / "dbtc", *command, env=installed.env))

    made = (await dbtc("create", "--payload", json.dumps(WISH)))["data"]
    named = ("--webhook-id", made["id"])
    assert [one["id"] for one in (await dbtc("list", "--limit", "5"))["data"]] == [made["id"]]
    changed = await dbtc("update", *named, "--payload", json.dumps(WISH | {"active": False}))
    assert (await dbtc("get", *named))["data"] == changed["data"]
    assert changed["data"]["active"] is False
    assert (await dbtc("test", *named))["status"] == {"code": 200}
    assert (await dbtc("delete", *named))["data"] == {"id": made["id"]}
    assert (await dbtc("get", *named))["status"]["user_message"] == NOT_FOUND


async def test_it_finds_its_account(installed: Installed) -> None:
    [account] = (await installed.client("list_accounts"))["data"]
    assert (account["id"], account["state"], account["plan"]) == (1, 1, "enterprise")
    assert (await installed.client("get_account", 1))["data"] == account
    assert (await installed.client("get_account_by_name", account["name"]))["data"] == account


async def test_what_goes_wrong_comes_back_as_json_that_says_so(installed: Installed) -> None:
    client = installed.client
    unknown = await client("get_webhook", 1, "wsu_2YBXZOLrb96DISR4AvppWEP0Cqu")
    assert (unknown["status"]["code"], unknown["status"]["user_message"]) == (404, NOT_FOUND)
    elsewhere = (await client("list_webhooks", 2))["status"]
    assert elsewhere["user_message"] == "Access denied: Token is not scoped to account."
    webhook_id = (await client("create_webhook", 1, WISH))["data"]["id"]
    partial = await client("update_webhook", 1, webhook_id, {"name": "n"})
    assert partial["status"]["code"] == 400
    assert set(partial["data"]) == {"active", "client_url", "event_types"}
    await client("delete_webhook", 1, webhook_id)
    tokenless = {name: value for name, value in installed.env.items() if name != "DBT_CLOUD_SERVICE_TOKEN"}
    for wrong in ({"DBT_CLOUD_SERVICE_TOKEN": "rhk_" + "x" * 43}, {}):
        async with session(
            installed.programs, "dbtc:dbtCloudClient", "cloud", env=tokenless | wrong, **installed.dbtc.options
        ) as stranger:
            assert (await stranger("list_webhooks", 1))["status"]["user_message"] == "Invalid token."


@pytest.mark.parametrize("installed", VERSIONS[-1:], ids=["0.11.7"], indirect=True)
async def test_its_newest_version_rides_out_a_killed_service(installed: Installed, platform: Served) -> None:
    need_linux()
    before = await installed.client("list_webhooks", 1)
    for pid, command in processes_of(platform.standalone.data_dir).items():
        if command.endswith("-m subscription_svc"):
            os.kill(pid, signal.SIGKILL)
    assert await installed.client("list_webhooks", 1) == before
