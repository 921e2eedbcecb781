"""Webhooks at the console: made, tried, changed, paused, revived, rotated, deleted, over real services."""

import re

import asyncpg
import pytest

from tests.support.console import Seen, Visitor, visitor
from tests.support.platform import Platform, new_token
from tests.support.postgres import Database
from tests.support.receiver import Receiver
from tests.support.subscription import ACCOUNT

pytestmark = pytest.mark.asyncio(loop_scope="module")
XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
SECRET = re.compile(r"\b[0-9a-f]{40}\b")
DEACTIVATE = "update subscription.subscription set active = false, deactivate_reason = $2 where public_id = $1"
FIELDS = [
    ("name", "Orders"),
    ("client_url", "http://127.0.0.1:1/"),
    ("event_types", "job.run.completed"),
    ("jobs", "every"),
    ("active", "on"),
]


def fields(**changes: str) -> list[tuple[str, str]]:
    return [(name, changes.pop(name, value)) for name, value in FIELDS] + list(changes.items())


async def make(somebody: Visitor, **changes: str) -> str:
    """The path of a new webhook."""
    made = await somebody.post("/console/webhooks", fields(**changes))
    assert made.status == 201, made.words
    found = re.search(r"/console/webhooks/wsu_[0-9A-Za-z]{27}", made.html)
    assert found
    return found[0]


def no_markup_of_others(seen: Seen) -> None:
    assert "<script>alert" not in seen.html
    assert "<img src=x" not in seen.html
    assert "&lt;script&gt;alert(1)" in seen.html


async def test_an_empty_list_says_what_webhooks_are_for_and_offers_the_first_step(
    house: Platform, somebody: Visitor
) -> None:
    seen = await somebody.get("/console/webhooks")
    assert "A webhook tells a URL of yours what job runs do" in seen.words
    assert 'href="/console/webhooks/new"' in seen.html


async def test_a_new_webhook_shows_its_secret_once(somebody: Visitor) -> None:
    made = await somebody.post("/console/webhooks", fields(name="Once"))
    [secret] = SECRET.findall(made.words)
    assert made.status == 201
    assert f'<code id="secret">{secret}</code>' in made.html
    assert 'data-copy="secret"' in made.html
    [path] = set(re.findall(r'href="(/console/webhooks/wsu_[0-9A-Za-z]{27})"', made.html))
    for page in (path, f"{path}/edit", f"{path}/secret", "/console/webhooks"):
        assert secret not in (await somebody.get(page)).html


async def test_a_form_that_is_refused_comes_back_with_what_is_wrong_at_its_fields(somebody: Visitor) -> None:
    sent = fields(name="", client_url="ftp://x", jobs="some", job_ids="12, x", description=XSS)
    seen = await somebody.post("/console/webhooks", [pair for pair in sent if pair[0] != "event_types"])
    assert seen.status == 400
    assert "Nothing was changed" in seen.words
    for name in ("name", "client_url", "job_ids", "event_types"):
        assert f'id="e-{name}"' in seen.html
    assert "number 2: must be a whole number above 0" in seen.words
    assert 'value="ftp://x"' in seen.html
    no_markup_of_others(seen)


async def test_what_others_wrote_stays_text_on_every_page_of_a_webhook(somebody: Visitor) -> None:
    path = await make(somebody, name=XSS, description=XSS, client_url="http://127.0.0.1:1/?<script>alert(1)</script>")
    for page in ("", "/edit", "/secret", "/headers", "/delivery-settings", "/certificate"):
        no_markup_of_others(await somebody.get(path + page))
    no_markup_of_others(await somebody.get("/console/webhooks"))
    no_markup_of_others(await somebody.post(f"{path}/test"))


async def test_a_test_says_what_the_endpoint_answered(somebody: Visitor) -> None:
    async with Receiver(500, 204) as receiver:
        path = await make(somebody, client_url=receiver.url)
        assert "Nothing sent yet" in (await somebody.get(path)).words
        failed = await somebody.post(f"{path}/test")
        assert "The endpoint answered 500 Internal Server Error." in failed.words
        assert "Failing" in (await somebody.get(path)).words
        taken = await somebody.post(f"{path}/test")
        assert "The endpoint answered 204 No Content. It takes deliveries." in taken.words
        assert "Some failed" in (await somebody.get(path)).words
    silent = await somebody.post(f"{path}/test")
    assert "The endpoint did not answer. The endpoint refused the connection." in silent.words


async def test_a_webhook_is_changed_paused_resumed_and_deleted(somebody: Visitor) -> None:
    path = await make(somebody)
    sent = fields(name="Other", jobs="some", job_ids="7 8", description="one\r\ntwo")
    seen = await somebody.post(f"{path}/edit", [*sent, ("event_types", "job.run.errored")], follow=True)
    assert "Saved." in seen.words
    for word in ("Other", "7, 8", "job.run.errored", "one two"):
        assert word in seen.words
    paused = await somebody.post(f"{path}/pause", follow=True)
    assert "Paused: nothing that is published now is sent to it" in paused.words
    assert "7, 8" in paused.words
    resumed = await somebody.post(f"{path}/resume", follow=True)
    assert "Active again" in resumed.words
    deleted = await somebody.post(f"{path}/delete", follow=True)
    assert "Deleted. Nothing more is sent to it." in deleted.words
    assert (await somebody.get(path)).status == 404


async def test_of_two_who_edit_one_webhook_the_second_is_told_and_overwrites_nothing(somebody: Visitor) -> None:
    path = await make(somebody)
    [etag] = re.findall(r'name="etag" value="([^"]+)"', (await somebody.get(f"{path}/edit")).html)
    first = await somebody.post(f"{path}/edit", fields(name="The first", etag=etag))
    second = await somebody.post(f"{path}/edit", fields(name="The second", etag=etag))
    assert (first.status, second.status) == (303, 412)
    assert "Somebody else has changed it since you opened this page" in second.words
    assert 'value="The second"' in second.html
    assert "The first" in (await somebody.get(path)).words


async def test_a_deactivated_webhook_says_why_and_is_revived(own_database: Database, somebody: Visitor) -> None:
    path = await make(somebody)
    owner = await asyncpg.connect(own_database.owner_url)
    try:
        await owner.execute(DEACTIVATE, path.rpartition("/")[2], "1,000 deliveries in a row failed.")
    finally:
        await owner.close()
    seen = await somebody.get(path)
    assert "Deactivated by the platform. 1,000 deliveries in a row failed." in seen.words
    assert "Set it active again" in seen.words
    assert "Deactivated" in (await somebody.get("/console/webhooks")).words
    assert "Active again" in (await somebody.post(f"{path}/resume", follow=True)).words


async def test_a_secret_is_rotated_and_the_old_one_ended(somebody: Visitor) -> None:
    path = await make(somebody)
    made = await somebody.post(f"{path}/secret", {"overlap_duration": "3600"})
    [secret] = SECRET.findall(made.words)
    assert (made.status, "The old one signs until" in made.words) == (201, True)
    page = await somebody.get(path)
    assert "End the old one now" in page.words
    assert secret not in page.html
    again = await somebody.post(f"{path}/secret", {"overlap_duration": "3600"})
    assert (again.status, SECRET.findall(again.words)) == (409, [])
    promoted = await somebody.post(f"{path}/secret/promote", follow=True)
    assert "The new secret is the only one now." in promoted.words
    assert "End the old one now" not in promoted.words
    odd = await somebody.post(f"{path}/secret", {"overlap_duration": "soon"})
    assert (odd.status, 'id="e-overlap_duration"' in odd.html) == (400, True)


async def test_a_button_that_is_refused_says_why_on_the_page_that_it_is_on(somebody: Visitor) -> None:
    path = await make(somebody, name="Refused")
    seen = await somebody.post(f"{path}/secret/promote")
    assert (seen.status, 'role="alert"' in seen.html, "Recent deliveries" in seen.words) == (409, True, True)


async def test_headers_come_in_and_their_values_are_never_shown(somebody: Visitor) -> None:
    path = await make(somebody)
    sent = [
        ("header_name", "X-Api-Key"),
        ("header_value", "sesame"),
        ("header_name", "Host"),
        ("header_value", "other"),
    ]
    refused = await somebody.post(f"{path}/headers", sent)
    assert (refused.status, 'id="e-header-2"' in refused.html) == (400, True)
    assert 'value="X-Api-Key"' in refused.html
    assert "sesame" not in refused.html
    assert (await somebody.post(f"{path}/headers", sent[:2])).status == 303
    for page in (path, f"{path}/headers"):
        seen = await somebody.get(page)
        assert "X-Api-Key" in seen.html
        assert "sesame" not in seen.html


async def test_delivery_settings_are_set_and_refused_at_their_fields(somebody: Visitor) -> None:
    path = await make(somebody)
    own = {"retries": "own", "retry_schedule.delays": "1 x", "retry_schedule.jitter": "2", "concurrency": "0"}
    refused = await somebody.post(f"{path}/delivery-settings", own)
    for name in ("retry_schedule.delays", "retry_schedule.jitter", "concurrency"):
        assert f'id="e-{name}"' in refused.html
    own |= {"retry_schedule.delays": "1 90", "retry_schedule.jitter": "0.5", "concurrency": "", "rate_per_second": "5"}
    saved = await somebody.post(f"{path}/delivery-settings", own, follow=True)
    for words in ("after 1 s, 1 min", "±50 %", "the platform's own", "Most a second 5"):
        assert words in saved.words
    assert 'value="1 90"' in (await somebody.get(f"{path}/delivery-settings")).html


async def test_a_certificate_that_is_none_is_refused_and_its_key_not_shown(somebody: Visitor) -> None:
    path = await make(somebody)
    seen = await somebody.post(f"{path}/certificate", {"certificate_chain": "no PEM", "private_key": "sesame"})
    assert (seen.status, 'id="e-certificate_chain"' in seen.html) == (400, True)
    assert "sesame" not in seen.html
    assert "is gone" in (await somebody.post(f"{path}/certificate/remove", follow=True)).words


async def test_whoever_may_only_read_sees_webhooks_and_changes_none(house: Platform, somebody: Visitor) -> None:
    path = await make(somebody)
    token = await new_token(house.call, ACCOUNT, "read_only")
    async with visitor(house.call, token) as reader:
        assert (await reader.get(path)).status == 200
        for action in ("pause", "delete", "test", "secret/promote"):
            refused = await reader.post(f"{path}/{action}")
            assert (action, refused.status) == (action, 403)
        assert (await reader.post("/console/webhooks", fields())).status == 403
    assert (await somebody.get(path)).status == 200


async def test_a_long_list_is_paged(somebody: Visitor) -> None:
    for number in range(11):
        await make(somebody, name=f"Number {number}")
    path, seen = "/console/webhooks", ""
    while path:
        page = await somebody.get(path)
        assert ("Back to the beginning" in page.words) == ("page=" in path)
        seen += page.words
        following = re.findall(r'href="(/console/webhooks\?page=\d+)"', page.html)
        path = following[0] if following else ""
    assert all(f"Number {number} " in seen for number in range(11))
