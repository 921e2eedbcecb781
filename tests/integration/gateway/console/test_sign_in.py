"""Sign-in, sessions and forms of the console, over real sockets and a real subscription_svc."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from chassis import caller
from tests.support.console import Visitor, console_key, visitor
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, add_token, subscription_service

pytestmark = pytest.mark.asyncio(loop_scope="module")
KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
REVOKE = f"/api/v1/accounts/{ACCOUNT}/tokens"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(own_database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    key = console_key(tmp_path_factory.mktemp("console"))
    async with (
        subscription_service(own_database) as service,
        gateway(subscription_svc=service.target, gateway_console_key_file=key, gateway_failure_rate=2) as running,
    ):
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(call: Gateway) -> AsyncIterator[Visitor]:
    """Somebody who has not signed in."""
    async with visitor(call) as made:
        yield made


async def test_a_token_opens_the_console_and_a_sign_out_closes_it(stranger: Visitor) -> None:
    seen = await stranger.get("/console/webhooks")
    assert (seen.status, seen.location) == (303, "/console/sign-in?next=/console/webhooks")
    assert "Sign out" in (await stranger.sign_in(TOKEN, next="/console/webhooks/new")).words
    assert (await stranger.get("/console/sign-in")).location == "/console"
    assert (await stranger.get("/console/sign-in?next=/console/tasks")).location == "/console/tasks"
    out = await stranger.post("/console/sign-out", follow=True)
    assert "You have signed out." in out.words
    assert (await stranger.get("/console/webhooks")).status == 303


async def test_a_sign_in_leads_to_the_page_that_was_asked_for_and_never_elsewhere(call: Gateway) -> None:
    for wanted, where in (
        ("/console/webhooks?page=a", "/console/webhooks?page=a"),
        ("//evil.example/console", "/console"),
        ("/console/\r\nset-cookie: a=b", "/console"),
        ("https://evil.example", "/console"),
    ):
        async with visitor(call) as somebody:
            await somebody.get("/console/sign-in")
            assert (await somebody.post("/console/sign-in", {"token": TOKEN, "next": wanted})).location == where


async def test_a_page_says_what_browsers_are_not_to_do_with_it(stranger: Visitor) -> None:
    seen = await stranger.get("/console/sign-in")
    headers = seen.headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert TOKEN not in str(headers)


async def test_files_are_kept_for_ever_under_names_that_change_with_them(stranger: Visitor) -> None:
    page = (await stranger.get("/console/sign-in")).html
    found = set(re.findall(r'"(/console/static/([a-z.]+)\.[0-9a-f]{16}\.(css|js|svg))"', page))
    assert {(stem, kind) for _, stem, kind in found} == {
        ("console", "css"),
        ("console", "js"),
        ("htmx.min", "js"),
        ("mark", "svg"),
    }
    for path, _, kind in found:
        seen = await stranger.get(path)
        assert (seen.status, seen.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert seen.headers["content-type"].partition(";")[0] == KINDS[kind]
    assert (await stranger.get("/console/static/console.css")).status == 404


async def test_a_form_without_the_sessions_token_or_from_elsewhere_does_nothing(stranger: Visitor) -> None:
    await stranger.get("/console/sign-in")
    tried: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"token": TOKEN, "csrf": ""}, {}),
        ({"token": TOKEN, "csrf": "0" * 64}, {}),
        ({"token": TOKEN}, {"Origin": "https://evil.example"}),
        ({"token": TOKEN}, {"Sec-Fetch-Site": "cross-site"}),
    ]
    for fields, headers in tried:
        seen = await stranger.post("/console/sign-in", fields, headers=headers)
        assert seen.status == 403
        assert "set-cookie" not in seen.headers
    assert (await stranger.get("/console/webhooks")).status == 303


async def test_a_revoked_token_ends_its_session(
    call: Gateway, own_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "KNOWN_SECONDS", 0.5)
    token = await add_token(own_database, ACCOUNT, "admin")
    async with visitor(call, token) as somebody, visitor(call, token) as watcher:
        assert (await somebody.get("/console/webhooks")).status == 200
        [listed] = [
            one for one in (await call("GET", REVOKE, token=TOKEN)).json["tokens"] if one["permission_set"] == "admin"
        ]
        assert (await call("DELETE", f"{REVOKE}/{listed['token_id']}", token=TOKEN)).status == 200
        seen = await somebody.get("/console/webhooks")
        while seen.status == 200:
            await asyncio.sleep(0.1)
            seen = await somebody.get("/console/webhooks")
        assert seen.location == "/console/sign-in?next=/console/webhooks&done=session_ended"
        assert "Your session has ended" in (await somebody.get(seen.location)).words
        fragment = await watcher.get("/console/webhooks", {"HX-Request": "true"})
        where = "/console/sign-in?next=/console/webhooks&done=session_ended"
        assert (fragment.status, fragment.headers["hx-redirect"]) == (401, where)
        assert "Your session has ended" in (await watcher.get(where)).words


async def test_a_link_of_another_site_leads_whoever_is_signed_in_to_the_page(call: Gateway) -> None:
    """Their browser keeps a strict cookie back; the page asks for itself once more, from here."""
    async with visitor(call) as held_back:
        seen = await held_back.get("/console/webhooks", {"Sec-Fetch-Site": "cross-site"})
        assert (seen.status, 'http-equiv="refresh" content="0"' in seen.html) == (200, True)
        assert (await held_back.get("/console/webhooks", {"Sec-Fetch-Site": "same-origin"})).status == 303


async def test_a_wrong_token_is_told_so_and_counts_against_its_address(call: Gateway) -> None:
    """Last: after it the address has to wait."""
    async with visitor(call) as guesser:
        assert "paste the whole token" in (await guesser.sign_in("two words")).words
        seen = await guesser.sign_in("rhk_wrong")
        assert seen.status == 401
        assert "the token is unknown, revoked or expired" in seen.words
        assert "rhk_wrong" not in seen.html
        while seen.status == 401:
            seen = await guesser.post("/console/sign-in", {"token": "rhk_wrong"})
        assert seen.status == 429
        assert "Too many requests with a wrong token" in seen.words
        assert (await call("GET", REVOKE, token="rhk_other")).status == 429


async def test_without_a_key_file_there_is_no_console(tmp_path: Path) -> None:
    async with gateway() as off, visitor(off) as stranger:
        for path in ("/console", "/console/webhooks", "/console/sign-in"):
            seen = await stranger.get(path)
            assert seen.status == 404
            assert "RUNHOOK_GATEWAY_CONSOLE_KEY_FILE turns it on" in seen.words
