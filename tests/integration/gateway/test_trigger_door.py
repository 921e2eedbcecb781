"""The trigger door, row by row (contract/inbound.md section 5), against a real gRPC peer on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import grpc
import pytest

from runhook.trigger.v1.trigger_service_pb2 import CallRefused
from tests.support.gateway import Gateway, gateway
from tests.support.trigger_peer import CALL_ID, CREDENTIAL, TriggerPeer, trigger_peer

TOKEN = "AZaz09_-" + "x" * 35
DOOR = f"/t/{TOKEN}"
JSON = {"Content-Type": "application/json"}


class Both(NamedTuple):
    call: Gateway
    peer: TriggerPeer


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    async with (
        trigger_peer() as (peer, target),
        gateway(trigger_svc=target, credential=CREDENTIAL, gateway_call_seconds=1) as running,
    ):
        yield Both(running, peer)


async def post(call: Gateway, body: bytes = b"{}", path: str = DOOR, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await call("POST", path, data=body, headers={"Content-Type": "application/json"} | named, token=None)


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


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "x-unknown"])
async def test_encodings_are_415_with_what_is_taken(both: Both, encoding: str) -> None:
    answer = await post(both.call, Content_Encoding=encoding)
    assert (answer.status, answer.headers["Accept-Encoding"]) == (415, "identity")
    assert (await post(both.call, Content_Encoding="identity")).status == 204


@pytest.mark.parametrize(
    "headers",
    ["Content-Type: text/plain\r\nContent-Type: text/plain\r\n", "Content-Type: text/plain, application/json\r\n"],
)
async def test_two_media_types_are_400(both: Both, headers: str) -> None:
    head = f"POST {DOOR} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 1\r\nConnection: close\r\n\r\nx"
    assert (await both.call.raw(head.encode())).startswith(b"HTTP/1.1 400 ")
    quoted = f'POST {DOOR} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain; x="a,b"\r\nContent-Length: 1\r\n'
    assert (await both.call.raw((quoted + "Connection: close\r\n\r\nx").encode())).startswith(b"HTTP/1.1 204 ")


def refused(code: grpc.StatusCode, reason: str, *, wait: int = 0) -> CallRefused:
    made = CallRefused(code=code.value[0], reason=reason, message="a sentence")
    if wait:
        made.retry_delay.seconds = wait
    return made


REFUSALS = [
    (refused(grpc.StatusCode.NOT_FOUND, "TRIGGER_NOT_FOUND"), 404, set()),
    (refused(grpc.StatusCode.INVALID_ARGUMENT, "MEDIA_TYPE_UNSUPPORTED"), 415, {"Accept-Post"}),
    (refused(grpc.StatusCode.INVALID_ARGUMENT, "MEDIA_TYPE_MISSING"), 415, {"Accept-Post"}),
    (refused(grpc.StatusCode.INVALID_ARGUMENT, "CHARSET_UNKNOWN"), 415, {"Accept-Post"}),
    (refused(grpc.StatusCode.INVALID_ARGUMENT, "ENCODING_INVALID"), 400, set()),
    (refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "CALL_TOO_LARGE"), 413, set()),
    (refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "WAITING_LINE_FULL", wait=1), 503, {"Retry-After"}),
    (refused(grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE", wait=2), 503, {"Retry-After"}),
    (refused(grpc.StatusCode.UNAVAILABLE, ""), 503, {"Retry-After"}),
    (refused(grpc.StatusCode.INTERNAL, ""), 503, {"Retry-After"}),  # our fault is never the sender's
]


@pytest.mark.parametrize(("refusal", "status", "headers"), REFUSALS)
async def test_a_refusal_has_the_code_that_makes_senders_do_the_right_thing(
    both: Both, refusal: CallRefused, status: int, headers: set[str]
) -> None:
    both.peer.refusals[TOKEN] = refusal
    answer = await post(both.call, b"the-body-of-a-call")
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert all(header in answer.headers for header in headers)
    assert int(answer.headers.get("Retry-After", 1)) >= refusal.retry_delay.seconds
    assert b"the-body-of-a-call" not in answer.body


async def test_calls_of_one_moment_share_streams_and_each_gets_its_own_answer(both: Both) -> None:
    other = "o" * 43
    both.peer.refusals[other] = refused(grpc.StatusCode.NOT_FOUND, "TRIGGER_NOT_FOUND")
    answers = await asyncio.gather(*(post(both.call, path=f"/t/{other}" if n % 3 else DOOR) for n in range(60)))
    assert [answer.status for answer in answers] == [404 if n % 3 else 204 for n in range(60)]
    assert len(both.peer.metadata) <= 4


async def test_a_silent_service_is_503_in_time_and_the_next_call_finds_another_way(both: Both) -> None:
    assert (await post(both.call)).status == 204
    both.peer.silent = True
    answer = await asyncio.wait_for(post(both.call), 3)
    assert (answer.status, answer.json["reason"]) == (503, "TRIGGER_SERVICE_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) >= 1
    both.peer.silent = False
    assert [(await post(both.call)).status for _ in range(4)] == [204] * 4


async def test_a_stream_that_breaks_fails_its_calls_and_is_opened_again(both: Both) -> None:
    both.peer.breaking = True
    assert {(await post(both.call)).status for _ in range(4)} == {503}
    both.peer.breaking = False
    assert [(await post(both.call)).status for _ in range(4)] == [204] * 4


async def test_a_call_that_a_leaving_service_did_not_read_goes_another_way(both: Both) -> None:
    both.peer.leaving = 2
    assert (await post(both.call)).status == 204
    both.peer.leaving = 3
    assert (await post(both.call)).status == 503
    assert len(both.peer.calls) == 1


async def test_a_client_that_goes_away_leaves_nothing_behind(both: Both) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", both.call.port)
    writer.write(f"POST {DOOR} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf".encode())
    await writer.drain()
    writer.close()
    assert (await post(both.call)).status == 204
    assert [one.body for one in both.peer.calls] == [b"{}"]
    del reader


async def test_beyond_its_room_the_gateway_says_503_and_holds_no_more() -> None:
    async with trigger_peer() as (peer, target):
        peer.silent = True
        async with gateway(
            trigger_svc=target, credential=CREDENTIAL, gateway_call_seconds=1, gateway_calls_in_flight=2
        ) as call:
            answers = await asyncio.gather(*(post(call) for _ in range(5)))
            reasons = sorted(json.loads(answer.body)["reason"] for answer in answers)
            assert reasons == ["TRIGGER_SERVICE_UNAVAILABLE"] * 2 + ["WAITING_LINE_FULL"] * 3
            assert len(peer.calls) == 2


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
