"""The outbound journey inside delivery_svc: published by gRPC, received by HTTP, recorded in Postgres."""

import asyncio
import hashlib
import hmac
import json

import grpc
import pytest

from chassis.status import refusal_of
from tests.support.delivery import SECRET, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Receiver


async def test_a_published_event_arrives_signed_in_the_contracts_form(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        _, public_id = await add_subscription(database, receiver.url)
        [event_id] = await service.publish(an_event())
        request = await receiver.request(1)
        await service.drained()
    expected = (
        f'{{"accountId":1,"webhooksID":"{public_id}","eventId":"{event_id}","timestamp":"2023-01-31T19:29:35.789265936Z"'
        f',"eventType":"job.run.completed","webhookId":"{public_id}","webhookName":"test","data":{{"jobId":"123"'
        ',"jobName":"Daily Job (dbt build)","runId":"12345","environmentId":"1234","environmentName":"Production"'
        ',"dbtVersion":"1.0.0","projectName":"Snowflake Github Demo","projectId":"167194","runStatus":"Success"'
        ',"runStatusCode":10,"runStatusMessage":"None","runReason":"Kicked off from UI by test@test.com"'
        ',"runStartedAt":"2023-01-31T19:28:07Z","runFinishedAt":"2023-01-31T19:29:32Z"}}'
    )
    assert request.body.decode() == expected
    assert request.headers["authorization"] == hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["content-type"] == "application/json"
    assert int(request.headers["content-length"]) == len(request.body)


async def test_a_failed_attempt_is_retried_with_the_same_bytes_until_it_succeeds(database: Database) -> None:
    async with Receiver(500, 503, 200) as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        requests = [await receiver.request(number) for number in (1, 2, 3)]
        await service.drained()
        attempts = await service.pool.fetch("select number, status_code, outcome from delivery.attempt order by number")
        states = await service.pool.fetch("select state, attempts from delivery.delivery")
    assert len({request.body for request in requests}) == 1
    assert [tuple(row) for row in attempts] == [(1, 500, "retryable"), (2, 503, "retryable"), (3, 200, "succeeded")]
    assert [tuple(row) for row in states] == [("SUCCEEDED", 3)]


async def test_a_delivery_fails_when_its_retries_are_used_up(database: Database) -> None:
    async with Receiver(500) as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        await receiver.request(4)
        await service.drained()
        states = await service.pool.fetch("select state, attempts, reason from delivery.delivery")
        await service.engine.health.tick()
        health = await service.pool.fetchval("select last_status_code from delivery.lane")
    assert [tuple(row) for row in states] == [("FAILED", 4, "retries_exhausted")]
    assert health == 500


async def test_an_event_goes_to_those_alone_who_want_its_type_and_job(database: Database) -> None:
    async with Receiver() as wanted, Receiver() as other, delivery_service(database) as service:
        await add_subscription(database, wanted.url, event_types=["job.run.completed"], job_ids=[123, 7])
        await add_subscription(database, other.url, event_types=["job.run.completed"], job_ids=[9])
        await add_subscription(database, other.url, event_types=["job.run.started"])
        await add_subscription(database, other.url, account_id=2)
        await service.publish(an_event(job_id=123), an_event(job_id=7))
        bodies = [json.loads((await wanted.request(number)).body) for number in (1, 2)]
        await service.drained()
    assert sorted(body["data"]["jobId"] for body in bodies) == ["123", "7"]
    assert other.requests == []


async def test_the_same_request_id_is_answered_the_same_and_delivered_once(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        first = await service.publish(an_event(request_id="run-1"), an_event(run_id=2, request_id="run-2"))
        again = await service.publish(an_event(run_id=2, request_id="run-2"), an_event(request_id="run-1"))
        both = await service.publish(an_event(request_id="run-3"), an_event(request_id="run-3"))
        await service.drained()
        attempts = await service.pool.fetchval("select count(*) from delivery.attempt")
    assert again == first[::-1]
    assert both[0] == both[1]
    assert attempts == 3


async def test_a_request_id_with_another_event_is_refused_and_nothing_of_its_batch_is_stored(
    database: Database,
) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        await service.publish(an_event(request_id="run-1"))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.publish(an_event(run_id=5, request_id="new"), an_event(run_id=99, request_id="run-1"))
        refusal = refusal_of(caught.value)
        await service.drained()
        events = await service.pool.fetchval("select count(*) from delivery.event")
        remembered = await service.pool.fetchval("select count(*) from delivery.publish_request")
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_TAKEN")
    assert (events, remembered) == (1, 1)


async def test_every_bad_field_of_every_event_is_named_and_nothing_is_stored(database: Database) -> None:
    async with delivery_service(database) as service:
        bad = an_event("job.run.cancelled", job_id=0)
        unfinished = an_event()
        unfinished.job_run.ClearField("run_finish_time")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.publish(an_event(), bad, unfinished)
        refusal = refusal_of(caught.value)
        events = await service.pool.fetchval("select count(*) from delivery.event")
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [field.field for field in refusal.fields] == [
        "events[1].event_type",
        "events[1].job_run.job_id",
        "events[2].job_run.run_finish_time",
    ]
    assert events == 0


@pytest.mark.parametrize(
    ("count", "name_length", "field"),
    [(0, 1, "events"), (1001, 1, "events"), (1, 300_000, "events[0].job_run"), (18, 250_000, "events")],
)
async def test_an_oversized_batch_or_payload_is_refused(
    database: Database, count: int, name_length: int, field: str
) -> None:
    event = an_event()
    event.job_run.job_name = "x" * name_length
    async with delivery_service(database) as service:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.publish(*[event] * count)
        refusal = refusal_of(caught.value)
        assert await service.pool.fetchval("select count(*) from delivery.event") == 0
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [bad.field for bad in refusal.fields] == [field]


async def test_publishing_without_a_known_token_is_refused(database: Database) -> None:
    async with delivery_service(database) as service:
        from runhook.delivery.v1 import delivery_service_pb2 as pb

        request = pb.PublishEventsRequest(events=[an_event()])
        with pytest.raises(grpc.aio.AioRpcError) as nobody:
            await service.stub.PublishEvents(request, timeout=5)
        with pytest.raises(grpc.aio.AioRpcError) as stranger:
            await service.stub.PublishEvents(request, timeout=5, metadata=(("authorization", "Bearer nothing"),))
    assert nobody.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert stranger.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("seconds", [5_694_967_296, 9_214_646_399])
async def test_an_event_of_a_far_time_is_kept_and_fails_no_other_callers_batch(
    database: Database, seconds: int
) -> None:
    far = an_event(run_id=2)
    far.event_time.seconds = seconds
    async with Receiver() as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        await asyncio.gather(service.publish(far), service.publish(an_event(run_id=1)))
        await receiver.request(2)


async def test_an_event_after_the_year_2261_is_refused_by_its_field(database: Database) -> None:
    far = an_event()
    far.event_time.seconds = 9_214_646_400
    async with delivery_service(database) as service:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.publish(far)
    assert [bad.field for bad in refusal_of(caught.value).fields] == ["events[0].event_time"]


TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_the_publishers_trace_reaches_the_receiver_at_every_attempt(database: Database) -> None:
    event = an_event()
    event.traceparent = TRACEPARENT
    async with Receiver(500, 200) as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        await service.publish(event, an_event(run_id=2))
        requests = [await receiver.request(number) for number in (1, 2, 3)]
    traces: dict[str, set[str | None]] = {request.headers["webhook-id"]: set() for request in requests}
    for request in requests:
        traces[request.headers["webhook-id"]].add(request.headers.get("traceparent"))
    assert sorted(traces.values(), key=str) == sorted([{None}, {TRACEPARENT}], key=str)


@pytest.mark.parametrize(
    "traceparent",
    [
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        TRACEPARENT + "\r\nX-Injected: 1",
        "x",
    ],
)
async def test_what_is_no_traceparent_is_refused_by_its_field(database: Database, traceparent: str) -> None:
    event = an_event()
    event.traceparent = traceparent
    async with delivery_service(database) as service:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.publish(event)
    assert [bad.field for bad in refusal_of(caught.value).fields] == ["events[0].traceparent"]
