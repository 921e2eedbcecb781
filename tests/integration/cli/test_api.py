"""How the command speaks to a platform: token, account, pages, patience, and what it says when there is none."""

import asyncio
import json
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from cli import api
from tests.integration.cli.conftest import Runhook
from tests.support.receiver import Peer, Receiver, Request, answer
from tests.support.service_process import free_port

ROOT = Path(__file__).parents[3]
ACCOUNTS = {"data": [{"id": 42, "name": "Only"}], "status": {"code": 200}}
EVENT = '{"eventType": "job.run.started", "requestId": "one", "data": {}}'


def says(status: int, document: Any, *headers: str) -> bytes:
    return answer(status, json.dumps(document).encode(), ["Content-Type: application/json", *headers])


def problem(status: int, *headers: str) -> bytes:
    return says(status, {"title": "No", "status": status, "detail": "not now"}, *headers)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("rhk_in-a-file\n")
    return file


@asynccontextmanager
async def platform(
    monkeypatch: pytest.MonkeyPatch, *answers: Any, account: str | None = "42"
) -> AsyncIterator[Receiver]:
    """Something that answers like that, and that the command is told of."""
    async with Receiver(*answers) as peer:
        monkeypatch.setenv("RUNHOOK_URL", peer.url.removesuffix("/hook"))
        monkeypatch.setenv("RUNHOOK_TOKEN", "rhk_token")
        if account is not None:
            monkeypatch.setenv("RUNHOOK_ACCOUNT", account)
        yield peer


def query_of(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(request.target).query).items()}


async def test_the_only_account_of_the_token_is_found(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = says(200, {"tokens": [], "next_page_token": ""})
    async with platform(monkeypatch, says(200, ACCOUNTS), tokens, account=None) as peer:
        assert (await runhook("tokens", "list", "--json")).out == "[]\n"
    first, second = peer.requests
    assert first.target == "/api/v3/accounts/"
    assert second.target.startswith("/api/v1/accounts/42/tokens?")
    assert {request.headers["authorization"] for request in peer.requests} == {"Bearer rhk_token"}


@pytest.mark.parametrize("data", [[], [{"id": 1}, {"id": 2}], "odd", [7]])
async def test_without_exactly_one_account_it_asks_for_one(
    data: Any, runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with platform(monkeypatch, says(200, {"data": data}), account=None):
        ran = await runhook("tokens", "list")
    assert (ran.code, ran.out) == (2, "")
    assert "name one with --account" in ran.err


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--token", "rhk_typed"], "rhk_typed"),
        (["--token-file", "token"], "rhk_in-a-file"),
        ([], "rhk_token"),
    ],
)
async def test_what_is_typed_goes_before_what_the_environment_says(
    arguments: list[str], shown: str, token_file: Path, runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with platform(monkeypatch, says(200, {"account_id": "42"})) as peer:
        assert (await runhook("accounts", "get", *arguments)).code == 0
        assert peer.requests[-1].headers["authorization"] == f"Bearer {shown}"
        monkeypatch.setenv("RUNHOOK_TOKEN_FILE", str(token_file))
        assert (await runhook("accounts", "get")).code == 0
        assert peer.requests[-1].headers["authorization"] == "Bearer rhk_in-a-file"
    both = await runhook("accounts", "get", "--token", "x", "--token-file", "token")
    assert (both.code, "not both" in both.err) == (2, True)


async def test_pages_of_our_own_lists_are_followed_to_the_end(
    runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [
        says(200, {"tokens": [{"token_id": "1"}, {"token_id": "2"}], "next_page_token": "more"}),
        says(200, {"tokens": [{"token_id": "3"}], "next_page_token": ""}),
    ]
    async with platform(monkeypatch, *pages) as peer:
        assert [one["token_id"] for one in json.loads((await runhook("tokens", "list", "--json")).out)] == [
            "1",
            "2",
            "3",
        ]
    assert [query_of(request).get("page_token") for request in peer.requests] == [None, "more"]


async def test_pages_of_the_contracts_lists_are_followed_to_the_end(
    runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [says(200, {"data": [{"id": str(n)} for n in numbers]}) for numbers in (range(100), range(100, 130))]
    async with platform(monkeypatch, *pages) as peer:
        assert len(json.loads((await runhook("subscriptions", "list", "--json")).out)) == 130
    assert [query_of(request) for request in peer.requests] == [
        {"limit": "100", "offset": "0"},
        {"limit": "100", "offset": "100"},
    ]


@pytest.mark.parametrize("arguments", [("tokens", "list"), ("subscriptions", "list")])
async def test_a_limit_bounds_what_is_asked_for_and_shown(
    arguments: tuple[str, str], runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [{"id": "1"}, {"id": "2"}, {"id": "3"}]
    async with platform(monkeypatch, says(200, {"data": some, "tokens": some, "next_page_token": "more"})) as peer:
        assert len(json.loads((await runhook(*arguments, "--limit", "2", "--json")).out)) == 2
    [request] = peer.requests
    assert "2" in query_of(request).values()


async def test_a_list_that_never_ends_ends(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    async with platform(monkeypatch, says(200, {"tokens": [{"token_id": "1"}], "next_page_token": "same"})) as peer:
        assert (await runhook("tokens", "list")).code == 0
    assert len(peer.requests) == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_it_waits_as_long_as_it_is_told_and_asks_again(
    status: int, runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    busy = problem(status, "Retry-After: 3")
    async with platform(monkeypatch, busy, busy, says(200, {"account_id": "42"})) as peer:
        assert (await runhook("accounts", "get")).code == 0
    assert waited == [3, 3]
    assert len(peer.requests) == 3


@pytest.mark.parametrize(
    ("arguments", "tries"),
    [
        (("accounts", "get"), api.MOST_TRIES),
        (("tokens", "revoke", "7"), api.MOST_TRIES),
        (("tokens", "create", "--name", "a", "--permission-set", "b"), 1),
        (("subscriptions", "test", "wsu_1"), 1),
        (("subscriptions", "rotate-secret", "wsu_1"), 1),
        (("events", "publish", "twice"), api.MOST_TRIES),
        (("events", "publish", "once"), 1),
    ],
)
async def test_only_what_does_no_harm_twice_is_sent_again(
    arguments: tuple[str, ...], tries: int, tmp_path: Path, runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "twice").write_text(EVENT)
    (tmp_path / "once").write_text(f'{{"events": [{EVENT}, {{"data": {{}}}}]}}')
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    async with platform(monkeypatch, problem(503, "Retry-After: 1")) as peer:
        ran = await runhook(*arguments)
    assert (ran.code, ran.err) == (5, "runhook: not now (it asks to wait 1 s)\n")
    assert len(peer.requests) == tries
    assert len({request.body for request in peer.requests}) == 1


async def test_a_wait_beyond_the_timeout_is_not_begun(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    async with platform(monkeypatch, problem(429, "Retry-After: 3600")) as peer:
        ran = await runhook("accounts", "get")
    assert (ran.code, len(peer.requests)) == (5, 1)
    assert "it asks to wait 3600 s" in ran.err


async def test_a_deletion_whose_answer_was_lost_is_one(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    async with platform(monkeypatch, problem(503), problem(404)):
        assert (await runhook("subscriptions", "delete", "wsu_1")).code == 0
    async with platform(monkeypatch, problem(404)):
        assert (await runhook("subscriptions", "delete", "wsu_1")).code == 3


async def drip(peer: Peer, request: Request) -> None:
    """An answer that goes on for ever."""
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await peer.send_in_pieces(b"1\r\n \r\n" * 10_000, size=6, pause=0.05)


async def flood(peer: Peer, request: Request) -> None:
    """An answer that is larger than any of ours."""
    await peer.answer(200, b" " * 20_000)


async def hang_up(peer: Peer, request: Request) -> None:
    peer.abort()


async def silence(peer: Peer, request: Request) -> None:
    await peer.closed_by_client()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (drip, "did not answer within 0.5 s: try again"),
        (silence, "did not answer within 0.5 s: try again"),
        (flood, "the answer is too large"),
        (hang_up, "broke (Server disconnected without sending a response.): try again"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "broke ("),
        (answer(302, b"", ["Location: https://example.org/"]), "answers 302, but not as the platform does"),
        (answer(200, b"<html>"), "answers 200, but not as the platform does: check --url"),
        (answer(404, b"<html>"), "answers 404, but not as the platform does: check --url"),
        (answer(502, b"<html>"), "answers 502: the platform is away"),
    ],
)
async def test_whatever_stands_at_the_address_is_told_in_a_line_within_the_timeout(
    script: Any, said: str, runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MOST_ANSWER_BYTES", 10_000)
    async with platform(monkeypatch, script):
        started = time.monotonic()
        ran = await runhook("accounts", "get", "--timeout", "0.5")
    assert (ran.code, ran.out, ran.err.count("\n")) == (5, "", 1)
    assert said in ran.err
    assert time.monotonic() - started < 5


async def test_a_call_that_may_have_worked_says_so(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    async with platform(monkeypatch, hang_up):
        ran = await runhook("tokens", "create", "--name", "a", "--permission-set", "b")
    assert "it may have happened all the same" in ran.err


async def test_where_nobody_listens_it_says_so(runhook: Runhook) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ran = await runhook("accounts", "list", "--url", url, "--token", "x")
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.startswith(f"runhook: cannot connect to {url} (")


async def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    async with platform(monkeypatch, says(200, {"account_id": "42"})):
        assert (await runhook("accounts", "get")).code == 0


async def test_a_private_ca_is_trusted_when_it_is_named(
    tmp_path: Path, runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    async with Receiver(says(200, {"account_id": "42"}), tls=context) as peer:
        call = ("accounts", "get", "1", "--token", "x", "--url", f"https://127.0.0.1:{peer.port}")
        ran = await runhook(*call)
        assert (ran.code, "is not trusted: name its CA with --ca-file" in ran.err) == (5, True)
        assert (await runhook(*call, "--ca-file", "ca.pem")).code == 0
        (tmp_path / "none.pem").write_text("nothing")
        assert (await runhook(*call, "--ca-file", "none.pem")).code == 2


ODD: Iterable[Any] = ({}, {"data": []}, {"data": {}}, {"data": 7}, {"data": [7, None]}, {"names": 7}, {"names": [{}]})


@pytest.mark.parametrize("document", ODD, ids=json.dumps)
@pytest.mark.parametrize("form", [(), ("--json",)])
async def test_an_odd_answer_is_no_traceback(
    document: Any, form: tuple[str, ...], tmp_path: Path, runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "event").write_text(EVENT)
    async with platform(monkeypatch, says(200, document)):
        for typed in (
            "subscriptions list", "subscriptions get x", "subscriptions test x", "subscriptions secrets x",
            "subscriptions update x --name a", "subscriptions headers x", "subscriptions rotate-secret x",
            "subscriptions create --name a --client-url b --event-type c", "deliveries list x", "deliveries get 1",
            "events publish event", "tokens list", "tokens create --name a --permission-set b", "accounts list",
        ):  # fmt: skip
            ran = await runhook(*typed.split(), *form)
            assert ran.code in (0, 5, 6), typed
            if form and ran.code == 0:
                json.loads(ran.out)


async def test_ctrl_c_ends_a_call_at_once_without_a_traceback(tmp_path: Path) -> None:
    async with Receiver(silence) as peer:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "accounts", "list", "--url", peer.url.removesuffix("/hook"), "--token", "x",
            cwd=ROOT, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await peer.request(1)
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    assert (process.returncode, said.strip()) == (130, b"")
