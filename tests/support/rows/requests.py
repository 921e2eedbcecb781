"""E1 to E6, E22 to E35, E41, E54, E55: what HTTP itself decides, before a call is looked into."""

import asyncio
import contextlib
import io
import time
from typing import Any

from google.protobuf.duration_pb2 import Duration

from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_pb2 import CallRules, Trigger
from tests.support import trigger_service
from tests.support.gateway import gateway, sample, until
from tests.support.rows.row import House, Row, check_form
from tests.support.trigger import ACCOUNT
from tests.support.trigger_service import METADATA
from tests.support.wire import request, wire

LIMIT = 1024 * 1024
ALLOW = {"Allow": "POST, OPTIONS"}
CHUNKED = "Transfer-Encoding: chunked"
NOBODY = "n" * 43


def a_post(*lines: str, body: bytes = b"", path: str = "{path}") -> bytes:
    """A POST by hand."""
    return request("POST", path, "Content-Type: text/plain", *lines, body=body)


def chunks(total: int, size: int = 65536) -> bytes:
    """A chunked body."""
    parts = [b"%x\r\n%b\r\n" % (size, b"a" * size) for _ in range(total // size)]
    return b"".join([*parts, b"0\r\n\r\n"])


async def every_wrong_token_is_the_same_404(house: House) -> None:
    """E1, but for what a rotated token is told."""
    _, token = await house.trigger()
    wrong = [NOBODY, "short", f"{token}/x", f"{token}/", token.swapcase(), f"%{ord(token[0]):02x}{token[1:]}", ""]
    seen = set()
    for one in wrong:
        answer = await house.post(one)
        check_form(answer, [token.encode(), one.encode()], "NOT_FOUND")
        seen.add((answer.status, answer.json["detail"], len(answer.body)))
    assert len(seen) == 1


async def a_rotated_token_leads_nowhere(house: House) -> None:
    """E1."""
    trigger, token = await house.trigger()
    assert (await house.post(token)).status == 204
    wish = pb.RegenerateTriggerTokenRequest(account_id=ACCOUNT, trigger_id=trigger.trigger_id, grace=Duration())
    fresh = (await house.service.triggers.RegenerateTriggerToken(wish, metadata=METADATA)).token
    assert (await house.post(fresh)).status == 204
    assert (await house.post(token)).status == 404


async def guesses_are_throttled(house: House) -> None:
    """E1."""
    _, token = await house.trigger()
    async with gateway(
        trigger_svc=house.service.target, credential=trigger_service.CREDENTIAL, gateway_failure_rate=1
    ) as call:
        options = {"token": None, "headers": {"Content-Type": "text/plain"}}
        assert (await call("POST", f"/t/{token}", data=b"x", **options)).status == 204
        told = [(await call("POST", f"/t/{NOBODY}", data=b"x", **options)).status for _ in range(3)]
        assert told == [404, 404, 429]
        assert (await call("POST", f"/t/{token}", data=b"x", **options)).status == 204


async def a_disabled_trigger_is_404(house: House) -> None:
    """E2."""
    trigger, token = await house.trigger()
    assert (await house.post(token)).status == 204
    trigger.enabled = False
    await house.service.triggers.UpdateTrigger(pb.UpdateTriggerRequest(trigger=trigger), metadata=METADATA)
    assert await _soon_not_found(house, token)


async def a_deleted_trigger_is_404(house: House) -> None:
    """E2."""
    trigger, token = await house.trigger()
    wish = pb.DeleteTriggerRequest(account_id=ACCOUNT, trigger_id=trigger.trigger_id)
    await house.service.triggers.DeleteTrigger(wish, metadata=METADATA)
    assert await _soon_not_found(house, token)


async def _soon_not_found(house: House, token: str) -> bool:
    answer = await house.post(token)
    unknown = await house.post(NOBODY)
    return answer.status == 404 and answer.json["detail"] == unknown.json["detail"]


async def a_paused_tasks_calls_wait(house: House) -> None:
    """E3."""
    trigger, token = await house.trigger(threshold=1)
    await _pause(house, trigger)
    assert (await house.post(token)).status == 204
    [execution] = await house.executions(trigger)
    assert execution["state"] == "PENDING"


async def a_paused_tasks_calls_are_refused_where_that_is_wished(house: House) -> None:
    """E3."""
    trigger, token = await house.trigger(call_rules=CallRules(refuse_while_paused=True))
    await _pause(house, trigger)
    answer = await house.post(token)
    assert answer.status == 503
    check_form(answer, [], "PAUSED")
    assert await house.calls(trigger) == []


async def _pause(house: House, trigger: Trigger) -> None:
    wish = pb.PauseTaskRequest(account_id=ACCOUNT, task_id=trigger.task_id, paused=True)
    await house.service.triggers.PauseTask(wish, metadata=METADATA)


async def nothing_is_read_of_what_is_too_large(house: House) -> None:
    """E22."""
    _, token = await house.trigger()
    async with wire(house.call.port) as line:
        head = a_post(f"Content-Length: {LIMIT + 1}", "Expect: 100-continue", path=f"/t/{token}")
        answer = await line.ask(head)
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        check_form(answer, [token.encode()], "BODY_TOO_LARGE")


async def half_a_body_is_stored_nowhere(house: House) -> None:
    """E28."""
    trigger, token = await house.trigger()
    labels = {"route": "/t/{token}", "method": "POST", "status": "aborted"}
    before = sample("runhook_gateway_requests_total", labels)
    async with wire(house.call.port) as line:
        line.send(a_post("Content-Length: 100", path=f"/t/{token}", body=b"half"))
        await asyncio.sleep(0.1)
    await until(lambda: sample("runhook_gateway_requests_total", labels) > before)
    assert await house.calls(trigger) == []


async def a_hundred_continue_comes_after_the_checks(house: House) -> None:
    """E32."""
    _, token = await house.trigger()
    head = ("Content-Length: 2", "Expect: 100-continue")
    async with wire(house.call.port) as line:
        assert (await line.ask(a_post(*head, path=f"/t/{NOBODY}"))).status == 404
    async with wire(house.call.port) as line:
        assert (await line.ask(a_post(*head, path=f"/t/{token}"))).status == 100
        assert (await line.ask(b"ab")).status == 204


async def the_slow_are_told_408(house: House) -> None:
    """E34."""
    _, token = await house.trigger()
    slow: dict[str, Any] = {"gateway_head_seconds": 0.5, "gateway_body_seconds": 0.5, "gateway_idle_seconds": 0.5}
    async with (
        gateway(trigger_svc=house.service.target, credential=trigger_service.CREDENTIAL, **slow) as call,
        wire(call.port) as head,
        wire(call.port) as body,
        wire(call.port) as idle,
    ):
        head.send(b"POST /t/")
        body.send(a_post("Content-Length: 5000", path=f"/t/{token}", body=b"a"))
        idle.send(a_post("Content-Length: 1", path=f"/t/{token}", body=b"a"))
        assert (await idle.answer()).status == 204
        for line in (head, body):
            answer = await line.answer()
            assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert await idle.rest() == b""


async def a_body_comes_on_or_is_given_up(house: House) -> None:
    """E34: below 1 KiB/s after the first 5 s."""
    trigger, token = await house.trigger()
    async with wire(house.call.port) as line:
        started = time.monotonic()
        line.send(a_post("Content-Length: 5000", path=f"/t/{token}", body=b"a" * 10))
        assert (await line.answer()).status == 408
        assert 4.5 < time.monotonic() - started < 8
    assert await house.calls(trigger) == []


async def connections_of_an_address_are_bounded(house: House) -> None:
    """E35."""
    _, token = await house.trigger()
    target, credential = house.service.target, trigger_service.CREDENTIAL
    async with (
        gateway(trigger_svc=target, credential=credential, gateway_connections_per_address=2) as call,
        wire(call.port) as first,
        wire(call.port),
    ):
        answered = await first.ask(a_post("Content-Length: 1", path=f"/t/{token}", body=b"a"))
        assert answered.status == 204
        async with wire(call.port) as third:
            assert (await third.answer()).status == 503
        async with wire(call.port, source="127.0.0.2") as elsewhere:
            answered = await elsewhere.ask(a_post("Content-Length: 1", path=f"/t/{token}", body=b"a"))
            assert answered.status == 204


async def a_query_changes_nothing(house: House) -> None:
    """E41."""
    trigger, token = await house.trigger()
    seen = io.StringIO()
    with contextlib.redirect_stderr(seen), contextlib.redirect_stdout(seen):
        answer = await house.ask("POST", f"/t/{token}?token=hunter2&x=%00", {"Content-Type": "text/plain"}, b"ab")
        refused = await house.ask("POST", f"/t/{NOBODY}?token={token}", {"Content-Type": "text/plain"}, b"ab")
    assert (answer.status, refused.status) == (204, 404)
    [call] = await house.calls(trigger)
    assert (call["media_type"], call["body"]) == ("text/plain", b"ab")
    assert "hunter2" not in seen.getvalue() + repr(answer)
    assert token not in seen.getvalue()


WITH_BODY = {"Content-Type": "text/plain"}
ROWS = (
    Row(number=1, case="unknown and malformed tokens", check=every_wrong_token_is_the_same_404),
    Row(number=1, case="a rotated token", check=a_rotated_token_leads_nowhere),
    Row(number=1, case="guesses of one address", check=guesses_are_throttled),
    Row(number=2, case="disabled", check=a_disabled_trigger_is_404),
    Row(number=2, case="deleted", check=a_deleted_trigger_is_404),
    Row(number=3, case="paused", check=a_paused_tasks_calls_wait),
    Row(number=3, case="paused and refused", check=a_paused_tasks_calls_are_refused_where_that_is_wished),
    *(
        Row(number=4, case=method, method=method, body=None, status=405, shows=ALLOW)
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE")
    ),
    Row(number=5, case="OPTIONS", method="OPTIONS", body=None, headers={"Origin": "https://x.example"}, shows=ALLOW),
    Row(number=6, case="TRACE", method="TRACE", body=None, headers={}, status=405, shows=ALLOW),
    Row(number=6, case="CONNECT", raw=b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", status=501),
    Row(number=6, case="unknown", raw=b"BREW {path} HTTP/1.1\r\nHost: x\r\n\r\n", status=501, reason="METHOD_UNKNOWN"),
    Row(number=22, case="announced too large", check=nothing_is_read_of_what_is_too_large),
    Row(number=23, case="chunked too large", raw=a_post(CHUNKED, body=chunks(LIMIT + 65536)), status=413),
    Row(
        number=23,
        case="a form too large",
        raw=request("POST", "{path}", "Content-Type: application/x-www-form-urlencoded", CHUNKED)
        + chunks(LIMIT + 65536),
        status=413,
        shows={"Connection": "close"},
    ),
    Row(
        number=25,
        case="chunked with trailers",
        raw=a_post(CHUNKED, body=b"1\r\nx\r\n1\r\ny\r\n0\r\nContent-Type: image/png\r\n\r\n"),
        body=b"xy",
        headers=WITH_BODY,
    ),
    Row(
        number=25,
        case="chunked at the limit",
        raw=a_post(CHUNKED, body=chunks(LIMIT)),
        body=b"a" * LIMIT,
        headers=WITH_BODY,
    ),
    *(
        Row(number=26, case=case, raw=a_post(*lines, body=body), status=400, shows={"Connection": "close"})
        for case, lines, body in (
            ("a length beside chunks", ("Content-Length: 5", CHUNKED), b"0\r\n\r\n"),
            ("two lengths", ("Content-Length: 1", "Content-Length: 2"), b"ab"),
            ("a bad chunk size", (CHUNKED,), b"xyz\r\n"),
        )
    ),
    Row(number=27, case="gzip framing", raw=a_post("Transfer-Encoding: gzip, chunked"), status=501),
    Row(number=28, case="half a body", check=half_a_body_is_stored_nowhere),
    Row(number=32, case="100-continue", check=a_hundred_continue_comes_after_the_checks),
    Row(number=32, case="another expectation", headers=WITH_BODY | {"Expect": "a-pony"}, status=417),
    Row(number=33, case="a long target", path="{path}?" + "a" * 9000, status=414, shows={"Connection": "close"}),
    Row(number=33, case="a large head", headers={"X": "y" * 33_000}, status=431, shows={"Connection": "close"}),
    Row(number=33, case="many headers", headers={f"X-{n}": "y" for n in range(101)}, status=431),
    Row(number=34, case="slow heads, bodies, idlers", check=the_slow_are_told_408),
    Row(number=34, case="a body that does not come on", check=a_body_comes_on_or_is_given_up),
    Row(number=35, case="connections of one address", check=connections_of_an_address_are_bounded),
    Row(number=41, case="a query", check=a_query_changes_nothing),
    Row(
        number=54,
        case="TLS on a plain port",
        raw=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(99),
        status=400,
    ),
    Row(number=54, case="a bad Host", raw=b"POST {path} HTTP/1.1\r\nHost: x/y\r\n\r\n", status=400),
    *(
        Row(number=55, case=case, path=path, status=404, reason="NOT_FOUND")
        for case, path in (
            ("absolute form", "http://x{path}"),
            ("two slashes", "//t/{token}"),
            ("two slashes within", "/t//{token}"),
            ("dots", "/t/../t/{token}"),
            ("an encoded slash", "/t%2F{token}"),
        )
    ),
)
