"""The ReceiveCalls stream: an answer for each call, breaks and drains that hold up nothing."""

import asyncio
from dataclasses import replace

import grpc
import pytest

from runhook.trigger.v1 import trigger_pb2
from runhook.trigger.v1 import trigger_service_pb2 as pb
from tests.support.trigger import call
from tests.support.trigger_service import METADATA, Service


async def test_each_call_of_a_stream_gets_its_own_answer(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger()
    answers = await trigger_svc.receive(
        call(token),
        call("x" * 43),
        call(token, b"a", ""),
        call(token, b"a", "image/png"),
        call(token, b"a", "text/plain; charset=klingon"),
        call(token, b"\xff", "text/plain"),
        call(token, b"a", "text/plain, text/plain"),
        call(token, b"x" * (1024 * 1024 + 1), "text/plain"),
        call(token, b"", ""),
    )
    assert [answer.refused.reason for answer in answers] == [
        "",
        "TRIGGER_NOT_FOUND",
        "MEDIA_TYPE_MISSING",
        "MEDIA_TYPE_UNSUPPORTED",
        "CHARSET_UNKNOWN",
        "ENCODING_INVALID",
        "MEDIA_TYPE_INVALID",
        "CALL_TOO_LARGE",
        "",
    ]
    assert [answer.refused.code for answer in answers] == [0, 5, 3, 3, 3, 3, 3, 8, 0]
    assert answers[0].accepted.call_id.startswith("cal_")
    assert answers[0].accepted.call_id != answers[8].accepted.call_id


async def test_a_refusal_says_how_to_authenticate_and_an_answer_whether_it_came_before(trigger_svc: Service) -> None:
    basic = trigger_pb2.Verification(preset=trigger_pb2.VERIFICATION_PRESET_BASIC, secrets=["a:b"])
    _, token = await trigger_svc.trigger(verification=basic)
    salesforce = trigger_pb2.Verification(preset=trigger_pb2.VERIFICATION_PRESET_SALESFORCE)
    _, other = await trigger_svc.trigger(verification=salesforce, task={"name": "Load contacts"})
    message = b'<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
    refused, accepted, acknowledged, got = await trigger_svc.receive(
        call(token),
        call(token, authorization=b"Basic YTpi", idempotency_key=b"1"),
        call(other, message, "text/xml"),
        replace(call(token), method="GET"),
    )
    assert (refused.refused.code, refused.refused.reason) == (16, "SIGNATURE_MISSING")
    assert refused.refused.challenge.startswith("Basic ")
    assert accepted.accepted.call_id
    assert (acknowledged.accepted.reply.status_code, acknowledged.accepted.reply.media_type) == (
        200,
        "text/xml; charset=utf-8",
    )
    assert (got.refused.code, got.refused.reason) == (12, "METHOD_NOT_ALLOWED")
    [again] = await trigger_svc.receive(call(token, authorization=b"Basic YTpi", idempotency_key=b"1"))
    assert again.accepted.duplicate
    assert again.accepted.call_id == accepted.accepted.call_id


async def test_a_lone_call_fires_after_the_duration_and_hardly_later(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=10, seconds=1)
    await trigger_svc.receive(call(token))
    async with trigger_svc.runner() as runner:
        await runner.take()
    [window] = await trigger_svc.pool.fetch("select closed_at - deadline_at as late, close_reason from trigger.window")
    assert window["close_reason"] == "deadline"
    assert 0 <= window["late"].total_seconds() < 0.25


async def test_a_stream_that_breaks_holds_up_no_later_call(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=10)
    message = pb.ReceiveCallsRequest(call=trigger_pb2.Call(token=token, media_type="text/plain", body=b"a"))
    await trigger_svc.receive(call(token))
    async with trigger_svc.pool.acquire() as holder, holder.transaction():
        await holder.execute("select from trigger.head for update")
        stream = trigger_svc.triggers.ReceiveCalls(metadata=METADATA)
        for _ in range(10):
            await stream.write(message)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.read(), 0.5)
        stream.cancel()
    answers = await trigger_svc.receive(call(token))
    assert answers[0].accepted.call_id


async def test_a_drain_answers_what_was_read_and_ends_the_streams(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=10)
    stream = trigger_svc.triggers.ReceiveCalls(metadata=METADATA)
    await stream.write(
        pb.ReceiveCallsRequest(call_number=1, call=trigger_pb2.Call(token=token, media_type="text/plain", body=b"a"))
    )
    assert isinstance(first := await stream.read(), pb.ReceiveCallsResponse)
    assert first.accepted.call_id
    async with trigger_svc.runner():
        trigger_svc.process.draining.set()
        assert await stream.read() is grpc.aio.EOF
        assert await stream.code() is grpc.StatusCode.OK
