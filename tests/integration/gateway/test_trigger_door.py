"""The trigger door, row by row (contract/inbound.md section 5), against a real gRPC peer on real sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from runhook.trigger.v1.trigger_service_pb2 import CallRefused
from tests.support.calling import DOOR, JSON, TOKEN, Both, post
from tests.support.gateway import gateway
from tests.support.trigger_peer import CALL_ID, CREDENTIAL, trigger_peer


async def test_a_call_is_passed_on_to_the_byte_and_answered_204(both: Both) -> None:
    body = b'{"a":"\x00\xff\\ud800"}'
    answer = await post(both.call, body, f"{DOOR}?secret=1", Content_Type=' Application/JSON ; charset="UTF-8"; ')
    assert (answer.status, answer.body, answer.headers["X-Call-Id"]) == (204, b"", CALL_ID)
    assert answer.headers["X-Request-Id"]
    seen = both.peer.calls[0]
    assert (seen.token, seen.media_type, seen.body) == (TOKEN, 'Application/JSON ; charset="UTF-8";', body)
    assert "authorization" not in both.peer.metadata[0]


async def test_an_empty_body_without_a_content_type_is_passed_on(both: Both) -> None:
    answer = await both.call.raw(
        f"POST {DOOR} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert (both.peer.calls[0].media_type, both.peer.calls[0].body) == ("", b"")


NOT_THERE = [
    "/t/",
    "/t/short",
    f"{DOOR}x",
    f"{DOOR}/",
    f"{DOOR}/x",
    f"/T/{TOKEN}",
    f"/t/%41{TOKEN[1:]}",
    f"/t//{TOKEN}",
    f"/t/../t/{TOKEN}",
    f"//t/{TOKEN}",
    f"/t/{TOKEN[:-1]}=",
    f"/t%2F{TOKEN}",
]


@pytest.mark.parametrize("path", NOT_THERE)
async def test_every_path_but_a_tokens_is_the_same_404_as_an_unknown_token(both: Both, path: str) -> None:
    both.peer.refusals[TOKEN] = CallRefused(code=5, reason="TRIGGER_NOT_FOUND", message="no such trigger")
    unknown, malformed = await post(both.call), await post(both.call, path=path)
    for answer in (unknown, malformed):
        assert answer.status == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
        answer.json.pop("request_id")
    assert unknown.json == malformed.json
    assert TOKEN.encode() not in unknown.body + malformed.body
    assert len(both.peer.calls) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"])
async def test_other_methods_are_405_with_allow(both: Both, method: str) -> None:
    answer = await both.call(method, DOOR, token=None)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST, OPTIONS")


async def test_options_tells_what_is_allowed_and_nothing_of_other_origins(both: Both) -> None:
    answer = await both.call("OPTIONS", DOOR, token=None, headers={"Origin": "https://evil.example"})
    assert (answer.status, answer.headers["Allow"]) == (204, "POST, OPTIONS")
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_an_announced_body_over_the_limit_is_413_before_it_is_read(both: Both) -> None:
    head = f"POST {DOOR} HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\n\r\n"
    answer = await both.call.raw(head.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer
    assert b"100 Continue" not in answer
    assert both.peer.calls == []


async def test_a_sender_of_too_much_sees_its_413(both: Both) -> None:
    assert (await post(both.call, b"x" * 3_000_000)).status == 413
    assert (await post(both.call, b"x" * 1_048_576)).status == 204
    assert [len(one.body) for one in both.peer.calls] == [1_048_576]


async def test_a_chunked_body_is_stopped_at_the_limit_and_taken_below_it(both: Both) -> None:
    async def chunks(number: int) -> AsyncIterator[bytes]:
        for _ in range(number):
            yield b"x" * 65536

    assert (await both.call("POST", DOOR, token=None, headers=JSON, data=chunks(17))).status == 413
    assert (await both.call("POST", DOOR, token=None, headers=JSON, data=chunks(16))).status == 204
    assert [len(one.body) for one in both.peer.calls] == [1_048_576]


@pytest.mark.parametrize(
    "headers",
    ["Content-Type: text/plain\r\nContent-Type: text/plain\r\n", "Content-Type: text/plain, application/json\r\n"],
)
async def test_two_media_types_are_400(both: Both, headers: str) -> None:
    head = f"POST {DOOR} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 1\r\nConnection: close\r\n\r\nx"
    assert (await both.call.raw(head.encode())).startswith(b"HTTP/1.1 400 ")
    quoted = f'POST {DOOR} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain; x="a,b"\r\nContent-Length: 1\r\n'
    assert (await both.call.raw((quoted + "Connection: close\r\n\r\nx").encode())).startswith(b"HTTP/1.1 204 ")


async def test_a_client_that_goes_away_leaves_nothing_behind(both: Both) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", both.call.port)
    writer.write(f"POST {DOOR} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf".encode())
    await writer.drain()
    writer.close()
    assert (await post(both.call)).status == 204
    assert [one.body for one in both.peer.calls] == [b"{}"]
    del reader


async def test_without_the_right_credential_senders_see_a_fault_of_ours() -> None:
    async with trigger_peer() as (_, target), gateway(trigger_svc=target, credential="c" * 40) as call:
        assert (await post(call)).status == 503


async def test_what_was_asked_before_a_stop_is_answered_and_nothing_is_taken_after(both: Both) -> None:
    both.peer.held.clear()
    asked = asyncio.create_task(post(both.call))
    await both.peer.arrived.wait()
    stopping = asyncio.create_task(both.call.stop())
    await asyncio.sleep(0)
    both.peer.held.set()
    assert (await asked).status == 204
    await stopping
    with pytest.raises(ConnectionRefusedError):
        await both.call.raw(b"")


async def test_headers_go_along_but_for_those_of_the_connection(both: Both) -> None:
    answer = await post(both.call, X_Signature="abc", Authorization="Basic eA==", Keep_Alive="1", TE="trailers")
    assert answer.status == 204
    seen = {header.name: header.value for header in both.peer.calls[0].headers}
    assert (seen["x-signature"], seen["authorization"]) == (b"abc", b"Basic eA==")
    assert not seen.keys() & {"keep-alive", "te", "host", "content-length", "connection"}


async def test_who_waits_for_100_continue_is_told_first_that_there_is_no_such_trigger(both: Both) -> None:
    head = f"POST {DOOR} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    both.peer.refusals[TOKEN] = CallRefused(code=5, reason="TRIGGER_NOT_FOUND")
    assert (await both.call.raw(head.encode())).startswith(b"HTTP/1.1 404 ")
    both.peer.refusals.clear()
    assert (await both.call.raw(head.encode() + b"{}")).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 ")


async def test_guesses_are_throttled_and_known_urls_at_the_same_address_are_not() -> None:
    async with (
        trigger_peer() as (peer, target),
        gateway(trigger_svc=target, credential=CREDENTIAL, gateway_failure_rate=1) as call,
    ):
        assert (await post(call)).status == 204
        wrong = [f"{n:043}" for n in range(4)]
        for token in wrong:
            peer.refusals[token] = CallRefused(code=5, reason="TRIGGER_NOT_FOUND")
        answers = [await post(call, path=f"/t/{token}") for token in wrong]
        assert [answer.status for answer in answers] == [404, 404, 429, 429]
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert (await post(call)).status == 204


async def test_calls_of_one_address_have_a_rate_where_one_is_set() -> None:
    async with (
        trigger_peer() as (_, target),
        gateway(trigger_svc=target, credential=CREDENTIAL, gateway_call_rate=1) as call,
    ):
        assert [(await post(call)).status for _ in range(3)] == [204, 204, 429]
