"""What the commands about triggers and executions send: to whom, with what, and how often."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.cli.conftest import Runhook
from tests.support.receiver import Receiver, answer

EXECUTION = {"execution_id": "exe_1", "state": "PENDING", "runs": []}


def says(status: int, document: Any, *headers: str) -> bytes:
    return answer(status, json.dumps(document).encode(), ["Content-Type: application/json", *headers])


@asynccontextmanager
async def platform(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> AsyncIterator[Receiver]:
    """Something that answers like that, and that the command is told of."""
    async with Receiver(*answers) as peer:
        monkeypatch.setenv("RUNHOOK_URL", peer.url.removesuffix("/hook"))
        monkeypatch.setenv("RUNHOOK_TOKEN", "rhk_token")
        monkeypatch.setenv("RUNHOOK_ACCOUNT", "42")
        yield peer


async def test_the_service_token_does_not_go_to_a_triggers_url(
    runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = answer(204, b"", ["X-Call-Id: cal_1"])
    async with Receiver(taken) as door, platform(monkeypatch, says(200, {"url": door.url})) as peer:
        ran = await runhook("triggers", "send", "trg_1", "--data", "{}", "--header", "X-Sign: 7", "--json")
    assert json.loads(ran.out) == {"status": 204, "call_id": "cal_1", "duplicate": False, "body": ""}
    [call] = door.requests
    assert (call.body, call.headers["content-type"], call.headers["x-sign"]) == (b"{}", "application/json", "7")
    assert "authorization" not in call.headers
    assert peer.requests[0].headers["authorization"] == "Bearer rhk_token"


async def test_a_call_that_is_not_taken_is_no_success_and_its_url_stays_secret(
    runhook: Runhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = says(503, {"title": "busy", "detail": "call again"}, "Retry-After: 1")
    async with Receiver(busy) as door:
        secret = f"{door.url}/t/secret"
        async with platform(monkeypatch, says(200, {"url": secret})):
            ran = await runhook("triggers", "send", "trg_1", "--data", "{}")
    assert (ran.code, len(door.requests)) == (5, 1)
    async with platform(monkeypatch, says(200, {"url": "http://127.0.0.1:1/t/secret"})):
        gone = await runhook("triggers", "send", "trg_1", "--data", "{}")
    assert gone.code == 5
    assert "secret" not in ran.err + gone.err


async def test_a_start_is_repeated_with_the_same_request_id(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = says(503, {"title": "busy", "detail": "again"}, "Retry-After: 0")
    async with platform(monkeypatch, busy, busy, says(201, EXECUTION)) as peer:
        assert (await runhook("executions", "start", "--task", "7", "--parameter", "a=b")).code == 0
    bodies = [json.loads(request.body) for request in peer.requests]
    assert [one["parameters"] for one in bodies] == [{"a": "b"}] * 3
    assert len({one["request_id"] for one in bodies}) == 1
    assert bodies[0]["request_id"]


async def test_a_list_asks_for_all_that_is_given(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    one = "trg_" + 27 * "1"
    async with platform(monkeypatch, says(200, {"executions": [], "next_page_token": ""})) as peer:
        asked = ("--plan", "7", "--trigger", one, "--window", "8", "--state", "rejected")
        assert (await runhook("executions", "list", *asked)).code == 0
    query = parse_qs(urlsplit(peer.requests[0].target).query)
    wanted = {"plan_id": ["7"], "trigger_id": [one], "window_id": ["8"], "state": ["REJECTED"]}
    assert query.items() >= wanted.items()


async def test_a_rerun_is_sent_once(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    async with platform(monkeypatch, says(503, {"title": "busy"}, "Retry-After: 0")) as peer:
        assert (await runhook("executions", "rerun", "exe_1")).code == 5
    assert len(peer.requests) == 1


async def test_a_rejected_start_is_told_by_the_exit_code(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    async with platform(monkeypatch, says(201, EXECUTION | {"state": "REJECTED", "reason": "queue_limit"})):
        ran = await runhook("executions", "start", "--task", "7")
    assert (ran.code, "queue_limit" in ran.out) == (1, True)


async def test_an_update_insists_on_what_it_has_read(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    task = {
        "task_id": "7",
        "name": "one",
        "command": "c",
        "etag": "e1",
        "queue_limit": {"executions": 5, "mode": "fail"},
    }
    changed = says(412, {"title": "changed", "detail": "it has changed since it was read"})
    async with platform(monkeypatch, says(200, task), changed) as peer:
        ran = await runhook("tasks", "update", "7", "--queue-mode", "hold")
    assert (ran.code, "it has changed since it was read" in ran.err) == (1, True)
    sent = peer.requests[1]
    assert sent.headers["if-match"] == '"e1"'
    limit = {"executions": 5, "mode": "hold"}
    assert json.loads(sent.body) == {"name": "one", "command": "c", "queue_limit": limit}


async def test_what_is_deleted_at_the_second_try_was_deleted(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = says(503, {"title": "busy"}, "Retry-After: 0")
    gone = says(404, {"title": "gone", "detail": "no such trigger"})
    async with platform(monkeypatch, busy, gone) as peer:
        assert (await runhook("triggers", "delete", "trg_1", "--discard")).code == 0
    assert all(request.target.endswith("/triggers/trg_1?discard=true") for request in peer.requests)
    async with platform(monkeypatch, gone):
        assert (await runhook("triggers", "delete", "trg_1")).code == 3


async def test_of_a_followed_log_every_byte_is_printed_once(runhook: Runhook, monkeypatch: pytest.MonkeyPatch) -> None:
    running, over = says(200, {"state": "RUNNING"}), says(200, {"state": "FAILED"})
    pieces = (answer(200, b"one\n"), answer(200, b""), answer(200, b"two\n"))
    async with platform(monkeypatch, running, pieces[0], running, pieces[1], over, pieces[2]) as peer:
        ran = await runhook("runs", "log", "7", "--follow")
    assert (ran.code, ran.out) == (0, "one\ntwo\n")
    assert [one.target.partition("offset=")[2] for one in peer.requests[1::2]] == ["0", "4", "4"]
