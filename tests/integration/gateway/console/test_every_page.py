"""What holds for every page in the table, whoever wrote it: nothing without a session, nothing without its token."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from chassis.keyring import KeyRing
from gateway.console.routes import PAGES
from gateway.console.session import Sessions
from tests.support.console import Visitor, console_key, visitor
from tests.support.gateway import gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
GETS = sorted({page.path for page in PAGES if page.method == "GET" and not page.open})
POSTS = sorted({page.path for page in PAGES if page.method == "POST"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return console_key(tmp_path_factory.mktemp("console"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lonely(key: Path) -> AsyncIterator[Visitor]:
    """A visitor of a gateway whose services are all away."""
    async with gateway(gateway_console_key_file=key, gateway_failure_rate=0) as running, visitor(running) as made:
        yield made


@pytest.fixture
def signed_in(key: Path) -> dict[str, str]:
    """The header of a session that no service was ever asked about."""
    sessions = Sessions(KeyRing.from_file(key), 3600, secure=False)
    cookie = sessions.set_cookie(sessions.signed_in("rhk_x", 1, "One"))
    return {"Cookie": cookie.partition(";")[0]}


def filled(path: str) -> str:
    return "/".join("1" if part.startswith("{") else part for part in path.split("/"))


async def test_no_page_is_shown_to_whoever_has_not_signed_in(lonely: Visitor) -> None:
    for path in GETS:
        seen = await lonely.get(filled(path))
        assert (path, seen.status, seen.location) == (path, 303, f"/console/sign-in?next={filled(path)}")


async def test_a_part_whose_session_has_ended_leads_back_to_its_page_and_not_to_the_part(lonely: Visitor) -> None:
    for shown, page in (
        ("http://127.0.0.1/console/runs/1?done=x#log", "/console/runs/1%3Fdone%3Dx"),
        ("https://[", ""),
        ("http://127.0.0.1", ""),
    ):
        seen = await lonely.get("/console/runs/1/live", {"HX-Request": "true", "HX-Current-URL": shown})
        assert (seen.status, seen.headers["hx-redirect"]) == (401, f"/console/sign-in?next={page}")


async def test_no_form_does_anything_without_the_token_of_its_session(
    lonely: Visitor, signed_in: dict[str, str]
) -> None:
    for path in POSTS:
        for headers in ({}, signed_in):
            seen = await lonely.post(filled(path), {"csrf": "0" * 64}, headers=headers)
            assert (path, seen.status) == (path, 403)
            assert "does not belong to your session" in seen.words


async def test_a_page_whose_service_is_away_says_so(lonely: Visitor, signed_in: dict[str, str]) -> None:
    for path in GETS:
        seen = await lonely.get(filled(path), signed_in)
        assert (path, seen.status in (200, 404, 503)) == (path, True)
        if seen.status == 503:
            assert "does not answer" in seen.words


async def test_other_methods_and_paths_are_refused_on_a_page(lonely: Visitor) -> None:
    for method, path, status in (("DELETE", "/console/webhooks", 405), ("GET", "/console/nowhere", 404)):
        seen = await lonely.ask(method, path)
        assert (seen.status, "<h1>" in seen.html) == (status, True)
