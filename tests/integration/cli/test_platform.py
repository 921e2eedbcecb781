"""The command and the whole platform: what is made, shown, changed, refused and deleted is really so."""

import json
from pathlib import Path

import pytest

from runhook.verify import to_whsec, verify_signature
from tests.integration.cli.conftest import EVENT, NOWHERE, Runhook, shown, subscribe, until
from tests.support.certificates import pair
from tests.support.receiver import Receiver
from tests.support.standalone import Standalone


async def test_an_update_changes_what_was_named_and_keeps_the_rest(beside: Runhook) -> None:
    made = await subscribe(beside, NOWHERE, "--description", "a  b ", "--job-id", "9", "--job-id", "7")
    update = ("subscriptions", "update", made["id"], "--json")
    renamed = shown(await beside(*update, "--name", " two "))
    del made["hmac_secret"]
    assert renamed == made | {"name": " two ", "updated_at": renamed["updated_at"]}
    paused = shown(await beside(*update, "--inactive", "--all-jobs", "--description", ""))
    assert paused == renamed | {
        "active": False,
        "job_ids": [],
        "description": "",
        "updated_at": paused["updated_at"],
    }
    assert shown(await beside("subscription", "get", made["id"], "--json")) == paused
    assert (await beside(*update)).code == 2
    assert (await beside(*update, "--all-jobs", "--job-id", "7")).code == 2


async def test_a_deleted_subscription_is_not_found(beside: Runhook) -> None:
    made = await subscribe(beside)
    assert shown(await beside("subscriptions", "delete", made["id"], "--json")) == {"id": made["id"]}
    for command in ("get", "delete", "test", "secrets", "headers"):
        ran = await beside("subscriptions", command, made["id"])
        assert (ran.code, ran.out, ran.err.count("\n")) == (3, "", 2), command


async def test_a_secret_is_printed_in_both_forms_and_said_to_be_the_last_time(beside: Runhook) -> None:
    made = await beside(
        "subscriptions", "create", "--name", "one", "--client-url", NOWHERE, "--event-type", "job.run.errored"
    )
    words = made.out.split()
    assert to_whsec(words[words.index("secret") + 1]) == words[-1]
    assert made.err == "runhook: the signing secret is not shown again: keep it now\n"


async def test_bad_fields_are_listed_one_by_one(beside: Runhook) -> None:
    ran = await beside("subscriptions", "create", "--name", "", "--client-url", "ftp://x", "--event-type", "nope")
    assert (ran.code, ran.out) == (1, "")
    assert [line.split(":")[0] for line in ran.err.splitlines()[1:-1]] == ["  name", "  event_types[0]", "  client_url"]
    assert ran.err.splitlines()[-1].startswith("  request id ")


async def test_a_test_shows_whether_the_endpoint_takes_deliveries(beside: Runhook) -> None:
    async with Receiver(204, 500) as endpoint:
        made = await subscribe(beside, endpoint.url)
        good = shown(await beside("subscriptions", "test", made["id"], "--json"))
        assert good == {"verification_error": None, "verification_status_code": "204"}
        bad = await beside("subscriptions", "test", made["id"], "--json")
        assert (bad.code, json.loads(bad.out)["verification_status_code"]) == (6, "500")
    gone = await beside("subscriptions", "test", made["id"])
    assert (gone.code, gone.out.split()[0]) == (6, "error")


async def test_what_was_published_is_delivered_and_can_be_looked_at(beside: Runhook) -> None:
    async with Receiver(200) as endpoint:
        made = await subscribe(beside, endpoint.url)
        published = shown(await beside("events", "publish", str(EVENT), "--json"))
        request = await endpoint.request(1)
        verify_signature(made["hmac_secret"], request.body, request.headers["authorization"])
        listing = ("deliveries", "list", made["id"], "--json")

        async def is_done() -> bool:
            found = shown(await beside(*listing))
            return bool(found) and found[0]["state"] == "SUCCEEDED"

        await until(is_done)
    [delivery] = shown(await beside(*listing, "--state", "succeeded", "--after", "2026-01-01T00:00:00Z"))
    assert [delivery["event_id"]] == published["eventIds"]
    assert shown(await beside(*listing, "--state", "failed")) == []
    assert shown(await beside(*listing, "--before", "2026-01-01T00:00:00Z")) == []
    alone = shown(await beside("delivery", "get", delivery["delivery_id"], "--json"))
    assert alone["body"].encode() == request.body
    assert [attempt["status_code"] for attempt in alone["attempts"]] == [200]
    for_people = await beside("deliveries", "get", delivery["delivery_id"])
    assert "NUMBER" in for_people.out
    assert (await beside("deliveries", "get", "1" * 30)).code == 3
    assert (await beside(*listing, "--after", "2026-13-01")).code == 1


async def test_a_secret_is_rotated_and_promoted(beside: Runhook) -> None:
    made = await subscribe(beside)
    call = ("--json", made["id"])
    rotated = shown(await beside("subscriptions", "rotate-secret", *call, "--overlap", "60"))
    assert rotated["hmac_secret"] != made["hmac_secret"]
    assert (await beside("subscriptions", "rotate-secret", *call)).code == 1
    living = shown(await beside("subscriptions", "secrets", *call))["secrets"]
    assert [one["signs_authorization"] for one in living] == [True, False]
    assert "SIGNS AUTHORIZATION" in (await beside("subscriptions", "secrets", made["id"])).out
    assert len(shown(await beside("subscriptions", "promote-secret", *call))["secrets"]) == 1


async def test_headers_are_replaced_listed_by_name_and_cleared(beside: Runhook, tmp_path: Path) -> None:
    made = await subscribe(beside)
    (tmp_path / "headers").write_text("X-Api-Key: of-the-receiver\nX-Other: b\n")
    call = ("subscriptions", "headers", made["id"])
    assert (await beside(*call)).err == "runhook: no extra headers\n"
    ran = await beside(*call, "--set-file", "headers")
    assert ran.out.split() == ["HEADER", "X-Api-Key", "X-Other"]
    assert "of-the-receiver" not in ran.out + ran.err + (await beside(*call, "--json")).out
    assert shown(await beside(*call, "--set", "X-Third: c", "--json")) == {"names": ["X-Third"]}
    assert (await beside(*call, "--set", "Host: c")).code == 1
    assert (await beside(*call, "--set", "A: c", "--clear")).code == 2
    assert shown(await beside(*call, "--clear", "--json")) == {"names": []}


async def test_delivery_settings_change_where_named_and_can_be_reset(beside: Runhook) -> None:
    made = await subscribe(beside)
    call = ("subscriptions", "delivery-settings", made["id"])
    assert (await beside(*call)).out.count("the platform's") == 3
    nothing = shown(await beside(*call, "--json"))
    first = shown(await beside(*call, "--retry-delays", "5,0.5", "--jitter", "0", "--concurrency", "4", "--json"))
    assert first == nothing | {"retry_schedule": {"delays_seconds": [5, 0.5], "jitter": 0}, "concurrency": 4}
    second = shown(await beside(*call, "--rate", "20", "--concurrency", "default", "--json"))
    assert second == first | {"concurrency": None, "rate_per_second": 20}
    assert "20.0" in (await beside(*call)).out
    for bad in (("--rate", "0"), ("--concurrency", "1001"), ("--retry-delays", "0.01"), ("--jitter", "2")):
        ran = await beside(*call, *bad)
        assert (ran.code, bad[0].removeprefix("--").partition("-")[0] in ran.err) == (1, True)
    for wrong in (("--rate", "fast"), ("--reset", "--rate", "1"), ("--retry-delays", "default", "--jitter", "0.1")):
        assert (await beside(*call, *wrong)).code == 2
    assert shown(await beside(*call, "--json")) == second
    assert shown(await beside(*call, "--reset", "--json")) == nothing


async def test_a_client_certificate_is_told_of_and_cleared_and_its_key_never_shown(
    beside: Runhook, tmp_path: Path
) -> None:
    made, mine, other = await subscribe(beside), pair("mine"), pair("other")
    (tmp_path / "chain").write_text(mine.chain)
    (tmp_path / "key").write_text(mine.key)
    (tmp_path / "other").write_text(other.key)
    call = ("subscriptions", "client-certificate", made["id"])
    assert (await beside(*call)).err == "runhook: no client certificate\n"
    ran = await beside(*call, "--certificate-file", "chain", "--key-file", "key")
    assert "CN=mine" in ran.out
    assert mine.key.splitlines()[1] not in ran.out + ran.err
    refused = await beside(*call, "--certificate-file", "chain", "--key-file", "other")
    assert (refused.code, "private_key" in refused.err) == (1, True)
    for wrong in (
        ("--key-file", "key"),
        ("--certificate-file", "chain"),
        ("--certificate-file", "x", "--key-file", "y"),
    ):
        assert (await beside(*call, *wrong)).code == 2
    assert shown(await beside(*call, "--json"))["subject"] == "CN=mine"
    assert shown(await beside(*call, "--clear", "--json"))["subject"] is None
    assert (await beside(*call, "--clear")).code == 0


async def test_a_token_does_what_it_may_until_it_is_revoked(
    beside: Runhook, standalone: Standalone, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = (
        "tokens",
        "create",
        "--name",
        "ci",
        "--permission-set",
        "publisher",
        "--expires-at",
        "2999-01-01T00:00:00Z",
    )
    ran = await beside(*create, "--json")
    token = shown(ran)
    assert (token["expires_at"], ran.err) == (
        "2999-01-01T00:00:00Z",
        "runhook: the token is not shown again: keep it now\n",
    )
    url = str(standalone.facts["gateway_url"])
    its_own = ("--url", url, "--token", token["token"])
    assert (await beside("events", "publish", str(EVENT), *its_own)).code == 0
    refused = await beside("subscriptions", "list", *its_own)
    assert (refused.code, "Forbidden" in refused.err) == (4, True)
    assert shown(await beside("token", "revoke", token["token_id"], "--json"))["revoked_at"]
    assert token["token_id"] in [one["token_id"] for one in shown(await beside("tokens", "list", "--json"))]
    refused = await beside("tasks", "list", *its_own)  # of a service that has never seen the token, so at once
    assert (refused.code, "revoked" in refused.err) == (4, True)
    assert (await beside("tokens", "revoke", "999999")).code == 3
    assert (await beside("tokens", "create", "--name", "x", "--permission-set", "king")).code == 1


async def test_the_operator_makes_accounts_whose_token_is_shown_once(beside: Runhook, standalone: Standalone) -> None:
    made = shown(await beside("accounts", "create", "--name", "Second", "--plan", "team", "--json"))
    its_own = ("--url", str(standalone.facts["gateway_url"]), "--token", made["token"])
    [account] = shown(await beside("accounts", "list", "--json", *its_own))
    assert account == {key: made[key] for key in account}
    assert shown(await beside("account", "get", "--json", *its_own)) == account
    assert (await beside("accounts", "get", "1", *its_own)).code == 4
    assert (await beside("accounts", "create", "--name", "Third", *its_own)).code == 4
    assert (await beside("accounts", "create", "--name", "Second", "--account-id", made["account_id"])).code == 1
    assert (await beside("subscriptions", "list", "--account", "1", *its_own)).code == 4


async def test_keys_are_rotated_in_the_platforms_database(
    beside: Runhook, standalone: Standalone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subscribe(beside)
    monkeypatch.setenv("RUNHOOK_DATABASE_URL", str(standalone.facts["database_url"]))
    assert (await beside("secrets", "rotate-keys")).code == 2
    monkeypatch.setenv("RUNHOOK_KEY_RING_FILE", str(standalone.data_dir / "secrets" / "key-ring"))
    ran = await beside("secrets", "rotate-keys")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "everything is sealed under the first key")
