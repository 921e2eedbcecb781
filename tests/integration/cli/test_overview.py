"""How an account does, by command."""

import pytest

from tests.integration.cli.conftest import Runhook, delivered, publish, shown, subscribe, until
from tests.support.receiver import Receiver
from tests.support.standalone import Standalone


async def test_it_tells_what_failed_why_and_who_serves(
    beside: Runhook, standalone: Standalone, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Receiver(500) as endpoint:
        made = await subscribe(beside, endpoint.url)
        await publish(beside)
        await endpoint.request(1)
        await beside("subscriptions", "update", made["id"], "--inactive")
        lost = await delivered(beside, made["id"])

    async def runner_is_shown() -> bool:  # a pod tells of its runners with its next beat, seconds after they came
        return "runner-0" in (await beside("overview")).out

    await until(runner_is_shown)
    said = (await beside("overview")).out
    seen = shown(await beside("overview", "--json"))
    assert lost["delivery_id"] in said
    assert "Its subscription was paused, deactivated or deleted before it was delivered." in said
    assert lost["delivery_id"] in [one["delivery_id"] for one in seen["deliveries"]["losses"]]
    assert [pod["runners"] for pod in seen["triggers"]["pods"]] != []

    token = shown(await beside("tokens", "create", "--name", "half", "--permission-set", "webhooks_only", "--json"))[
        "token"
    ]
    monkeypatch.setenv("RUNHOOK_URL", standalone.facts["gateway_url"])
    monkeypatch.setenv("RUNHOOK_TOKEN", token)
    half = await beside("overview", "--json")
    assert (shown(half)["triggers"], "may not see the account's triggers" in half.err) == (None, True)
    monkeypatch.setenv("RUNHOOK_TOKEN", "rhk_unknown")
    assert (await beside("overview")).code == 4
    monkeypatch.delenv("RUNHOOK_TOKEN")
    await beside("subscriptions", "delete", made["id"])
