"""What was delivered once, or was not, is delivered again by the command, and it tells how that went."""

import pytest

from tests.integration.cli.conftest import Runhook, delivered, publish, shown, subscribe
from tests.support.receiver import Receiver

JOB = "123"  # of the event that publish sends


async def test_a_delivery_is_sent_again_and_waited_for(beside: Runhook) -> None:
    async with Receiver(204, 204, 500) as endpoint:
        made = await subscribe(beside, endpoint.url)
        event_id = await publish(beside)
        one = (await delivered(beside, made["id"]))["delivery_id"]
        again = await beside("deliveries", "redeliver", one, "--wait", "--json")
        assert (shown(again)["state"], (await endpoint.request(2)).headers["webhook-id"]) == ("SUCCEEDED", event_id)
        assert [attempt["manual"] for attempt in shown(again)["attempts"]] == [False, True]
        failed = await beside("deliveries", "redeliver", one, "--wait")
        assert (failed.code, "attempt 3\n" in failed.out, "status" in failed.out) == (6, True, True)
        under_way = await beside("deliveries", "redeliver", one)
        assert (under_way.code, "under way" in under_way.err) == (1, True)
    await beside("subscriptions", "delete", made["id"])
    assert (await beside("deliveries", "redeliver", "1" * 30)).code == 3


async def test_a_delivery_tells_of_each_attempt(beside: Runhook) -> None:
    async with Receiver(503, 204) as endpoint:
        made = await subscribe(beside, endpoint.url)
        await beside("subscriptions", "headers", made["id"], "--set", "X-Api-Key: a-secret")
        event_id = await publish(beside)
        one = (await delivered(beside, made["id"]))["delivery_id"]
    last = (await beside("deliveries", "show", one)).out
    assert "attempt 2\n" in last
    assert f"request header  webhook-id: {event_id}" in last
    assert "a-secret" not in last
    first = (await beside("deliveries", "get", one, "--attempt", "1")).out
    assert "attempt 1\n" in first
    assert ("connect 0." in first, "  503" in first) == (True, True)
    assert (await beside("deliveries", "get", one, "--attempt", "3")).code == 3


async def test_what_was_lost_in_an_outage_is_counted_recovered_and_watched(beside: Runhook) -> None:
    async with Receiver(500) as broken, Receiver(204) as mended:
        made = await subscribe(beside, broken.url)
        event_id = await publish(beside)
        await broken.request(1)
        update = ("subscriptions", "update", made["id"])
        await beside(*update, "--inactive")
        assert (await delivered(beside, made["id"]))["state"] == "CANCELLED"
        start = ("recoveries", "start", made["id"], "--since", "1h")
        inactive = await beside(*start)
        assert (inactive.code, "inactive" in inactive.err) == (1, True)

        await beside(*update, "--client-url", mended.url, "--active")
        assert shown(await beside(*start, "--dry-run", "--json")) == {"found": 1, "complete": True}
        other = (*start, "--event-type", "job.run.errored", "--dry-run", "--json")
        assert shown(await beside(*other)) == {"found": 0, "complete": True}
        other = (*start, "--job", "999", "--dry-run", "--json")
        assert shown(await beside(*other)) == {"found": 0, "complete": True}
        before = (*start, "--until", "30m", "--dry-run", "--json")
        assert shown(await beside(*before)) == {"found": 0, "complete": True}

        ran = await beside(*start, "--job", JOB, "--watch", "--json")
        ended = shown(ran)
        assert (ended["state"], ended["job_id"], ended["found"], ended["requeued"]) == ("FINISHED", JOB, 1, 1)
        assert ran.err.splitlines()[-1] == "runhook: 1 of 1 back in the queue (100 %)"
        assert (await mended.request(1)).headers["webhook-id"] == event_id
    assert shown(await beside("recoveries", "list", made["id"], "--json")) == [ended]
    assert shown(await beside("recovery", "show", ended["recovery_id"], "--watch", "--json")) == ended
    assert shown(await beside("recoveries", "cancel", ended["recovery_id"], "--json")) == ended
    assert "FINISHED" in (await beside("recoveries", "list", made["id"])).out
    await beside("subscriptions", "delete", made["id"])


@pytest.mark.parametrize("command", ["get", "cancel"])
async def test_an_unknown_recovery_is_not_found(beside: Runhook, command: str) -> None:
    assert (await beside("recoveries", command, "999999")).code == 3


async def test_a_recovery_that_is_asked_for_oddly_is_refused(beside: Runhook) -> None:
    made = await subscribe(beside)
    start = ("recoveries", "start", made["id"])
    assert (await beside(*start)).code == 2
    assert (await beside(*start, "--since", "1h", "--dry-run", "--watch")).code == 2
    odd = await beside(*start, "--since", "2026-13-01")
    assert (odd.code, "published_after" in odd.err) == (1, True)
    assert (await beside("recoveries", "start", "wsu_" + "0" * 27, "--since", "1h")).code == 3
    await beside("subscriptions", "delete", made["id"])
