"""Public clients, replayed: what each sends, byte for byte, and what each demands of the answer, as its own code reads it.

tests/compatibility runs the clients themselves where a registry has them; this keeps all of them true in every run.
"""

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple, Self

import pytest

from tests.compatibility.recorded import (
    AIRFLOW,
    DBT_CLOUD_CLI,
    DBTC,
    DBTC_OLD,
    PIPEDREAM,
    SLATES,
    TERRAFORM,
    TERRAFORMING,
    Voice,
)
from tests.support.delivery import KEY_RING, delivery_service
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.receiver import Receiver
from tests.support.subscription import ACCOUNT, TOKEN, subscription_service
from tests.support.trigger import eventually

V2 = f"/api/v2/accounts/{ACCOUNT}"
WEBHOOKS = f"/api/v3/accounts/{ACCOUNT}/webhooks/subscriptions"
WEBHOOK = f"/api/v3/accounts/{ACCOUNT}/webhooks/subscription"


class Reply(NamedTuple):
    status: int
    json: Any


class Client:
    """One kept connection, as each of these clients keeps one, in the client's voice."""

    def __init__(self, voice: Voice, call: Gateway, token: str = TOKEN) -> None:
        self._voice = voice
        self._port = call.port
        self._token = token

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def __call__(self, method: str, path: str, body: bytes = b"") -> Reply:
        """One request and its answer, which is JSON of a stated length: what every one of these clients can read."""
        host = f"localhost:{self._port}"
        self._writer.write(self._voice.request(method, path, body, host=host, token=self._token))
        async with asyncio.timeout(10):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
            lengths = re.findall(r"\r\ncontent-length: (\d+)\r\n", head)
            assert "\r\ncontent-type: application/json\r\n" in head
            assert len(lengths) == 1
            content = json.loads(await self._reader.readexactly(int(lengths[0])))
        status = int(head.split(" ", 2)[1])
        assert content["status"]["code"] == status
        return Reply(status, content)


@pytest.fixture
async def call(database: Database) -> AsyncIterator[Gateway]:
    async with (
        subscription_service(database, key_ring=KEY_RING) as subscriptions,
        delivery_service(database) as deliveries,
        gateway(token=TOKEN, subscription_svc=subscriptions.target, delivery_svc=deliveries.target) as running,
    ):
        yield running


def planned(state: dict[str, Any]) -> dict[str, Any]:
    """What terraform-provider-dbtcloud puts into its state, decoded as strictly as Go does (0.2 to 1.8: strings alone)."""
    texts = ("id", "name", "description", "client_url", "http_status_code", "account_identifier")
    assert {type(state[key]) for key in texts} == {str}
    assert type(state["active"]) is bool
    assert {type(one) for one in [*state["event_types"], *state["job_ids"]]} <= {str}
    known = {key: state[key] for key in ("name", "description", "client_url", "event_types", "active")}
    return known | {"job_ids": [int(one) for one in state["job_ids"]]}


async def test_terraform_starts_when_its_account_is_in_the_list(call: Gateway) -> None:
    async with Client(TERRAFORM, call) as client:
        status, answer = await client("GET", "/api/v2/accounts/")
    assert status == 200
    [account] = answer["data"]
    assert {key: type(value) for key, value in account.items()} == {"id": int, "name": str, "state": int, "plan": str}
    assert account["id"] == ACCOUNT


async def test_terraform_creates_finds_nothing_to_change_updates_and_destroys(call: Gateway) -> None:
    async with Client(TERRAFORM, call) as client:
        status, made = await client(
            "POST",
            WEBHOOKS,
            b'{"id":"","name":"test-webhook","description":"Test webhook","client_url":"http://localhost/nothing",'
            b'"event_types":["job.run.started","job.run.completed"],"job_ids":[5678,1234],"active":true}',
        )
        assert status == 201
        assert re.fullmatch("[0-9a-f]{40}", made["data"]["hmac_secret"])
        wanted = {
            "name": "test-webhook",
            "description": "Test webhook",
            "client_url": "http://localhost/nothing",
            "event_types": ["job.run.started", "job.run.completed"],
            "active": True,
            "job_ids": [5678, 1234],
        }
        assert planned(made["data"]) == wanted
        webhook = f"{WEBHOOK}/{made['data']['id']}"
        read = (await client("GET", webhook)).json["data"]
        assert planned(read) == wanted
        assert "hmac_secret" not in read

        # An empty description is left out of the body, and no job ids are null or [], as Go has it.
        change = {
            "name": "renamed",
            "client_url": "http://localhost/",
            "event_types": ["job.run.errored"],
            "active": True,
        }
        for no_job_ids in ({"job_ids": None}, {"job_ids": list[int]()}):
            sent = json.dumps({"id": read["id"], **change, **no_job_ids}, separators=(",", ":")).encode()
            assert (await client("PUT", webhook, sent)).status == 200
            after = planned((await client("GET", webhook)).json["data"])
            assert after == {**change, "description": "", "job_ids": []}

        assert (await client("DELETE", webhook)).status == 200
        assert (await client("GET", webhook)).status == 404


async def test_terraform_takes_a_webhook_that_nobody_knows_for_gone(call: Gateway) -> None:
    async with Client(TERRAFORM, call) as client:
        for unknown in ("wsu_2YBXZOLrb96DISR4AvppWEP0Cqu", "no-id-at-all", "%00"):
            status, answer = await client("GET", f"{WEBHOOK}/{unknown}")
            # It asks for the code in the body: a 404 without it is an error, not the end of the webhook.
            assert (status, answer["status"]["code"], answer["status"]["is_success"]) == (404, 404, False)
            assert type(answer["status"]["user_message"]) is str


async def test_terraform_makes_ten_at_a_time(call: Gateway) -> None:
    async def make(number: int) -> int:
        body = {"id": "", "name": f"w{number}", "client_url": "https://example.com", "event_types": ["job.run.started"]}
        async with Client(TERRAFORM, call) as client:
            return (await client("POST", WEBHOOKS, json.dumps(body | {"job_ids": [], "active": True}).encode())).status

    assert await asyncio.gather(*(make(number) for number in range(10))) == [201] * 10


async def test_terraforming_collects_every_webhook_by_the_count_so_far(call: Gateway) -> None:
    wish = {"event_types": ["job.run.started"], "client_url": "https://example.com", "active": True, "job_ids": [7]}
    for number in range(23):
        await call("POST", WEBHOOKS, json=wish | {"name": f"w{number:02}"})
    async with Client(TERRAFORMING, call) as client:
        page = (await client("GET", WEBHOOKS)).json
        collected, counts = page["data"], [page["extra"]["pagination"]["count"]]
        while sum(counts) < page["extra"]["pagination"]["total_count"]:
            page = (await client("GET", f"{WEBHOOKS}?offset={sum(counts)}")).json
            collected += page["data"]
            counts.append(page["extra"]["pagination"]["count"])
    assert counts == [10, 10, 3]
    assert [webhook["name"] for webhook in collected] == [f"w{number:02}" for number in range(23)]
    assert [webhook["job_ids"] for webhook in collected] == [["7"]] * 23


@pytest.mark.parametrize(
    ("voice", "job_ids"), [(DBTC_OLD, b"[5, 6]"), (DBTC_OLD, b"5"), (DBTC, b"5")], ids=["0.4", "0.9", "0.11"]
)
async def test_dbtc_creates_lists_edits_what_it_read_tests_and_deletes(
    call: Gateway, voice: Voice, job_ids: bytes
) -> None:
    async with Receiver(410) as receiver, Client(voice, call) as client:
        status, made = await client(
            "POST",
            WEBHOOKS,
            b'{"active": true, "client_url": "%s", "event_types": ["job.run.started"], "name": "dbtc", "job_ids": %s}'
            % (receiver.url.encode(), job_ids),
        )
        assert (status, made["data"]["job_ids"]) == (201, re.findall(r"\d", job_ids.decode()))
        webhook = f"{WEBHOOK}/{made['data']['id']}"
        page = (await client("GET", f"{WEBHOOKS}?limit=1&offset=0")).json
        assert [one["id"] for one in page["data"]] == [made["data"]["id"]]
        edited = (await client("GET", webhook)).json["data"] | {"name": "edited"}
        answer = (await client("PUT", webhook, json.dumps(edited).encode())).json["data"]
        assert {key: answer[key] for key in edited if key != "updated_at"} == {
            key: value for key, value in edited.items() if key != "updated_at"
        }
        tested = (await client("GET", f"{webhook}/test")).json
        assert tested["data"] == {"verification_error": None, "verification_status_code": "410"}
        sent = await receiver.request(1)
        signature = hmac.new(made["data"]["hmac_secret"].encode(), sent.body, hashlib.sha256).hexdigest()
        assert sent.headers["authorization"] == signature
        gone = await client("DELETE", webhook)
        assert gone == (200, {"data": {"id": made["data"]["id"]}, "status": {"code": 200, "is_success": True}})
        assert (await client("DELETE", webhook)).status == 404


async def test_dbtc_without_a_token_says_none_and_reads_why_not(call: Gateway) -> None:
    async with Client(DBTC, call, token="None") as client:
        status, answer = await client("GET", WEBHOOKS)
    assert (status, answer["status"]["user_message"], answer["data"]) == (401, "Invalid token.", None)


@pytest.mark.parametrize("voice", [DBTC, DBT_CLOUD_CLI], ids=["dbtc", "dbt-cloud-cli"])
async def test_account_lists_are_rows_with_a_name(call: Gateway, voice: Voice) -> None:
    async with Client(voice, call) as client:
        listed = (await client("GET", "/api/v3/accounts/")).json
        slash, bare = [(await client("GET", path)).json for path in (f"{V2}/", V2)]
    assert [(one["id"], type(one["name"])) for one in listed["data"]] == [(ACCOUNT, str)]
    assert slash == bare
    assert bare["data"] == listed["data"][0]


async def test_airflow_reads_its_account_and_how_many_accounts_there_are(call: Gateway) -> None:
    async with Client(AIRFLOW, call) as client:
        assert (await client("GET", f"{V2}/")).json["data"]["id"] == ACCOUNT
        listed = (await client("GET", "/api/v2/accounts/")).json
    assert listed["extra"] == {
        "pagination": {"total_count": 1, "count": 1},
        "filters": {"offset": 0, "limit": 10},
    }


async def test_slates_changes_one_field_of_what_it_read_and_lists_events(call: Gateway) -> None:
    async with Receiver(200) as receiver, Client(SLATES, call) as client:
        assert (await client("GET", f"{V2}/")).json["data"]["id"] == ACCOUNT
        wish = b'{"name":"s","client_url":"%s","event_types":["job.run.completed"],"active":true,"job_ids":[12]}'
        current = (await client("POST", WEBHOOKS, wish % receiver.url.encode())).json["data"]
        webhook = f"{WEBHOOK}/{current['id']}"
        fields = ("name", "client_url", "event_types", "active", "description")
        body = {key: current[key] for key in fields} | {"job_ids": [int(one) for one in current["job_ids"]]}
        replaced = await client("PUT", webhook, json.dumps(body | {"active": False}).encode())
        assert (replaced.json["data"]["active"], replaced.json["data"]["job_ids"]) == (False, ["12"])
        assert (await client("GET", f"{webhook}/test")).json["data"]["verification_status_code"] == "200"

        async def events() -> Any:
            return (await client("GET", f"{webhook}/events")).json["data"]

        [event] = await eventually(events)
    assert {type(value) for value in event.values()} == {str}
    assert json.loads(event["payload"])["eventId"] == event["id"]


async def test_opencompany_reads_the_receipts_of_an_event_and_adds_what_nobody_knows(call: Gateway) -> None:
    async with Receiver(204) as receiver, Client(SLATES, call) as client:
        wish = b'{"name":"s","client_url":"%s","event_types":["job.run.completed"],"active":true}'
        webhook = f"{WEBHOOK}/{(await client('POST', WEBHOOKS, wish % receiver.url.encode())).json['data']['id']}"
        await client("GET", f"{webhook}/test")

        async def events() -> Any:
            return (await client("GET", f"{webhook}/events?include_related=x")).json["data"]

        [event] = await eventually(events)
        receipts = await client("GET", f"{webhook}/event/{event['id']}/receipt?include_related=x")
    [receipt] = receipts.json["data"]
    assert {type(value) for value in receipt.values()} == {str}
    assert (receipt["event_id"], receipt["http_status_code"]) == (event["id"], "204")


async def test_pipedream_offers_accounts_and_comes_and_goes(call: Gateway) -> None:
    async with Client(PIPEDREAM, call) as client:
        [account] = (await client("GET", "/api/v3/accounts")).json["data"]
        assert (account["id"], type(account["name"])) == (ACCOUNT, str)
        status, made = await client(
            "POST",
            WEBHOOKS,
            b'{"event_types":["job.run.completed"],"name":"Pipedream Webhook",'
            b'"client_url":"https://eo1.m.pipedream.net","active":true}',
        )
        assert (status, made["data"]["description"], made["data"]["job_ids"]) == (201, "", [])
        assert (await client("DELETE", f"{WEBHOOK}/{made['data']['id']}")).status == 200
