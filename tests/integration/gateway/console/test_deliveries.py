"""Deliveries at the console: found by filters, read to the last byte, delivered again one by one and by filter."""

import asyncio
import itertools
import re

import pytest

from tests.support.console import Seen, Visitor, visitor
from tests.support.delivery import add_subscription, an_event
from tests.support.platform import Platform, new_token
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request, answer
from tests.support.recovery import fill
from tests.support.subscription import ACCOUNT, add_account, add_token

pytestmark = pytest.mark.asyncio(loop_scope="module")
XSS = "<script>alert(1)</script>"
NOBODY = "wsu_" + "0" * 27
OTHERS = itertools.count(77)


def rows(seen: Seen) -> list[str]:
    return re.findall(r'<td><a href="/console/deliveries/(\d+)"', seen.html)


async def one_sent(house: Platform, database: Database, url: str, job_id: int) -> tuple[str, str]:
    """A new webhook's id, and the id of its one delivery, which has ended."""
    _, public_id = await add_subscription(database, url, account_id=ACCOUNT, job_ids=[job_id])
    await house.delivery.publish(an_event(account_id=ACCOUNT, job_id=job_id))
    await house.delivery.drained()
    found = await house.delivery.pool.fetchval(
        "select d.id from delivery.delivery d join subscription.subscription s on s.id = d.subscription_id"
        " where s.public_id = $1",
        public_id,
    )
    return public_id, str(found)


async def another_accounts_token(database: Database) -> str:
    """Of a new account without anything."""
    account_id = next(OTHERS)
    await add_account(database, account_id)
    return await add_token(database, account_id, "account_admin")


async def test_without_a_webhook_the_page_leads_to_the_first_one(house: Platform, own_database: Database) -> None:
    async with visitor(house.call, await another_accounts_token(own_database)) as other:
        seen = await other.get("/console/deliveries")
    assert "A delivery is one event on its way to one webhook" in seen.words
    assert 'href="/console/webhooks/new"' in seen.html


async def test_a_failed_delivery_says_why_with_request_and_answer_and_is_redelivered(
    house: Platform, somebody: Visitor, own_database: Database
) -> None:
    says = [answer(500, f"{XSS} no room".encode(), [f"X-Odd: {XSS}"])]

    async def script(peer: Peer, request: Request) -> None:
        await peer.send(says[-1])

    async with Receiver(script) as receiver:
        public_id, number = await one_sent(house, own_database, receiver.url, 11)
        seen = await somebody.get(f"/console/deliveries/{number}")
        says.append(answer(204))
        again = await somebody.post(f"/console/deliveries/{number}/redeliver", follow=True)
        await house.delivery.drained()
        after = await somebody.get(f"/console/deliveries/{number}")
        part = await somebody.get(f"/console/deliveries/{number}", {"HX-Request": "true"})
    assert "500 Internal Server Error" in seen.words
    assert "<script>alert" not in seen.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; no room" in seen.html
    assert "Every attempt failed." in seen.words
    assert "Back in the queue" in again.words
    assert "by hand" in after.words
    assert "204 No Content" in after.words
    assert len({request.body for request in receiver.requests}) == 1
    assert "SIGNATURE=$(printf" in seen.words
    assert "<html" not in part.html
    assert "hx-get" not in part.html, "what has ended is not asked for again"
    assert ("Redeliver" in part.html, "hx-swap-oob" in part.html) == (True, True), "and offers its button again"
    listed = await somebody.get(f"/console/deliveries?subscription_id={public_id}")
    assert rows(listed) == [number]


async def test_filters_live_in_the_url_and_stay_on_the_next_page(
    house: Platform, somebody: Visitor, own_database: Database
) -> None:
    async with Receiver() as receiver:
        key, public_id = await add_subscription(own_database, receiver.url, account_id=ACCOUNT, job_ids=[14])
        await fill(own_database, key, 40, first=1000, account_id=ACCOUNT)
        await fill(own_database, key, 3, first=2000, event_type="job.run.errored", account_id=ACCOUNT)
        base = f"/console/deliveries?subscription_id={public_id}"
        first = await somebody.get(f"{base}&state=FAILED&event_type=job.run.completed")
        [following] = re.findall(r'href="(/console/deliveries\?[^"]*page=[^"]*)"', first.html)
        second = await somebody.get(following.replace("&amp;", "&"))
        errored = await somebody.get(f"{base}&event_type=job.run.errored&job_id=123")
        nothing = await somebody.get(f"{base}&job_id=5")
        past = await somebody.get(f"{base}&before=2020-01-01T00:00")
        zoned = await somebody.get(f"{base}&after=2026-01-01+12:00:30Z")
    assert (len(rows(first)), len(rows(second))) == (30, 10)
    assert "state=FAILED" in following
    assert sorted(rows(errored)) == ["2000", "2001", "2002"]
    assert "No deliveries are like that" in nothing.words
    assert rows(past) == []
    assert 'step="any" value="2026-01-01T12:00:30"' in zoned.html, "a browser shows no other writing, and would drop it"
    assert "keeps them for 30 days" in first.words
    assert len(re.findall(r'<th colspan="6" scope="rowgroup">\d{4}-\d\d-\d\d</th>', first.html)) == 1


async def test_odd_filters_are_named_at_their_fields(somebody: Visitor, own_database: Database) -> None:
    _, public_id = await add_subscription(own_database, "http://127.0.0.1:9/", account_id=ACCOUNT, job_ids=[15])
    base = f"/console/deliveries?subscription_id={public_id}"
    odd = await somebody.get(f"{base}&after=yesterday&job_id=-1")
    stale = await somebody.get(f"{base}&page=nonsense")
    assert (odd.status, stale.status) == (400, 400)
    assert "must be a time such as 2026-11-30T12:00, in UTC" in odd.words
    assert "must be the number of a job" in odd.words
    assert "page_token" in stale.words


async def test_a_recovery_names_the_number_before_it_begins_and_shows_how_far_it_is(
    house: Platform, somebody: Visitor, own_database: Database
) -> None:
    async with Receiver() as receiver:
        key, public_id = await add_subscription(own_database, receiver.url, account_id=ACCOUNT, job_ids=[14])
        await fill(own_database, key, 25, first=5000, account_id=ACCOUNT)
        await asyncio.sleep(0.001)  # published a microsecond apart, so before the database's clock now
        offered = await somebody.get(f"/console/recoveries/new?subscription_id={public_id}")
        other = await somebody.get(f"/console/recoveries/new?subscription_id={public_id}&job_id=7")
        own = await somebody.get(f"/console/recoveries/new?subscription_id={public_id}&job_id=123&state=FAILED")
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', own.html))
        begun = await somebody.post("/console/recoveries", fields | {"subscription_id": public_id})
        await receiver.request(25)
        await _ended(house, begun.location)
        done = await somebody.get(begun.location)
        part = await somebody.get(begun.location, {"HX-Request": "true"})
        twice = await somebody.post(f"{begun.location}/cancel", follow=True)
        listed = await somebody.get(f"/console/recoveries/new?subscription_id={public_id}")
    assert "25 deliveries would be sent again" in offered.words
    assert "A recovery takes both" not in offered.words
    assert "nothing failed or was cancelled within this span of this job" in other.words
    assert "shows one state alone. A recovery takes both" in own.words
    assert "25 deliveries would be sent again" in own.words
    assert fields["job_id"] == "123"
    assert re.search(r"<dt>Job</dt><dd>123</dd>", done.html)
    assert begun.location.startswith("/console/recoveries/")
    assert "25 of 25 are back in the queue" in done.words
    assert 'id="recovery-actions" class="buttons" hx-swap-oob="true"' in part.html, "its button to cancel goes"
    assert "finished" in twice.words
    assert "There is nothing to recover" in listed.words
    assert begun.location in listed.html


async def _ended(house: Platform, location: str) -> None:
    number = int(location.rpartition("/")[2])
    query = "select state from delivery.recovery where recovery_id = $1"
    async with asyncio.timeout(30):
        while await house.delivery.pool.fetchval(query, number) == "RUNNING":  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_what_cannot_be_recovered_says_so_and_begins_nothing(
    house: Platform, somebody: Visitor, own_database: Database
) -> None:
    key, paused = await add_subscription(own_database, "http://127.0.0.1:9/", account_id=ACCOUNT, job_ids=[15])
    await house.subscriptions.pool.execute("update subscription.subscription set active = false where id = $1", key)
    base = f"/console/recoveries/new?subscription_id={paused}"
    refused = await somebody.get(base)
    odd = await somebody.get(f"{base}&after=x")
    backwards = await somebody.get(f"{base}&after=2026-11-22T10:00&before=2026-11-22T09:00")
    nobody = await somebody.get(f"/console/recoveries/new?subscription_id={NOBODY}")
    posted = await somebody.post("/console/recoveries", {"subscription_id": paused, "after": "2026-11-22T10:00"})
    assert (refused.status, odd.status, backwards.status, nobody.status, posted.status) == (409, 400, 400, 404, 409)
    assert "activate it first" in refused.words
    assert "must be a time" in odd.words
    assert "must be later than" in backwards.words
    assert await house.delivery.pool.fetchval("select count(*) from delivery.recovery where state = 'RUNNING'") == 0


async def test_a_delivery_whose_webhook_was_deleted_leads_to_pages_that_are_there(
    house: Platform, somebody: Visitor, own_database: Database
) -> None:
    async with Receiver() as receiver:
        public_id, number = await one_sent(house, own_database, receiver.url, 16)
    await somebody.post(f"/console/webhooks/{public_id}/delete")
    seen = await somebody.get(f"/console/deliveries/{number}")
    listed = await somebody.get(f"/console/deliveries?subscription_id={public_id}")
    assert (seen.status, "a webhook that was deleted" in seen.words, "Redeliver" in seen.words) == (200, True, False)
    assert f"subscription_id={public_id}" not in seen.html
    assert (listed.status, "There is no such webhook in this account, or no longer" in listed.words) == (404, True)


async def test_a_viewer_reads_all_and_changes_nothing(house: Platform, own_database: Database) -> None:
    async with Receiver() as receiver:
        _, number = await one_sent(house, own_database, receiver.url, 12)
        token = await new_token(house.call, ACCOUNT, "read_only")
        async with visitor(house.call, token) as viewer:
            read = await viewer.get(f"/console/deliveries/{number}")
            refused = await viewer.post(f"/console/deliveries/{number}/redeliver")
        sent = len(receiver.requests)
    assert (read.status, refused.status, sent) == (200, 403, 1)


async def test_of_another_account_there_is_nothing_to_see(house: Platform, own_database: Database) -> None:
    async with Receiver() as receiver:
        public_id, number = await one_sent(house, own_database, receiver.url, 13)
        async with visitor(house.call, await another_accounts_token(own_database)) as other:
            pages = [f"/console/deliveries/{number}", f"/console/deliveries?subscription_id={public_id}"]
            pages += ["/console/deliveries/0", "/console/deliveries/x", "/console/recoveries/1"]
            assert [(await other.get(page)).status for page in pages] == [404] * 5
