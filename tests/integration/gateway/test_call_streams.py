"""Streams to trigger_svc: shared, broken, silent, full; each call has its end."""

import asyncio
import json

from runhook.trigger.v1.trigger_service_pb2 import CallRefused
from tests.support.calling import DOOR, Both, post
from tests.support.gateway import gateway
from tests.support.trigger_peer import CREDENTIAL, trigger_peer


async def test_calls_of_one_moment_share_streams_and_each_gets_its_own_answer(both: Both) -> None:
    other = "o" * 43
    both.peer.refusals[other] = CallRefused(code=5, reason="TRIGGER_NOT_FOUND")
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


async def test_beyond_its_room_the_gateway_says_503_and_holds_no_more() -> None:
    async with trigger_peer() as (peer, target):
        peer.silent = True
        async with gateway(
            trigger_svc=target, credential=CREDENTIAL, gateway_call_seconds=1, gateway_calls_in_flight=2
        ) as call:
            answers = await asyncio.gather(*(post(call, path=f"/t/{n:043}") for n in range(5)))
            reasons = sorted(json.loads(answer.body)["reason"] for answer in answers)
            assert reasons == ["TRIGGER_SERVICE_UNAVAILABLE"] * 2 + ["WAITING_LINE_FULL"] * 3
            assert len(peer.calls) == 2


async def test_a_flooded_trigger_leaves_room_for_the_others() -> None:
    async with (
        trigger_peer() as (peer, target),
        gateway(trigger_svc=target, credential=CREDENTIAL, gateway_call_seconds=1, gateway_calls_in_flight=8) as call,
    ):
        peer.held.clear()
        flood = [asyncio.create_task(post(call)) for _ in range(6)]
        done, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        assert {one.result().json["reason"] for one in done} == {"WAITING_LINE_FULL"}
        peer.held.set()
        assert (await post(call, path=f"/t/{'o' * 43}")).status == 204
        assert sorted(one.status for one in await asyncio.gather(*flood)) == [204, 204, 503, 503, 503, 503]
