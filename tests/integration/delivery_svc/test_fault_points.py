"""A process fails at each of its fault points: nothing is lost, and a duplicate is what was answered and not yet recorded."""

import asyncio
import base64
import json
import signal
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import grpc
import pytest
from structlog.testing import capture_logs

from chassis import fault_points as points
from chassis.caller import CREDENTIAL_KEY
from chassis.fault_points import Action
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from tests.support.delivery import CREDENTIAL, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.processes import process
from tests.support.receiver import Receiver
from tests.support.service_process import free_port

#: The event's id, how many calls failed, the status codes of the recorded attempts.
Outcome = tuple[str, int, list[int]]
ATTEMPTS = "select status_code from delivery.attempt order by number"


def settings(database: Database, directory: Path, port: int) -> dict[str, object]:
    (directory / "ring").write_text("k1:" + base64.b64encode(bytes(range(32))).decode())
    (directory / "credential").write_text(CREDENTIAL)
    return {
        "DATABASE_URL": database.delivery_url,
        "GRPC_ADDRESS": f"127.0.0.1:{port}",
        "KEY_RING_FILE": directory / "ring",
        "SERVICE_CREDENTIAL_FILE": directory / "credential",
        "POD_NAME": "pod-1",
        "DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DELIVERY_RETRY_DELAYS_SECONDS": "0.2,0.2,0.2",
        "DELIVERY_HEARTBEAT_SECONDS": 0.3,
        "DELIVERY_DEAD_AFTER_SECONDS": 4,
    }


async def publish(target: str) -> tuple[str, int]:
    """One event under one request id, until it is acknowledged: its id, and how many calls failed."""
    request = pb.PublishEventsRequest(events=[an_event(request_id="once")])
    failed = 0
    while True:
        async with grpc.aio.insecure_channel(target) as channel:
            try:
                stub = DeliveryServiceStub(channel)
                answer = await stub.PublishEvents(request, timeout=10, metadata=((CREDENTIAL_KEY, CREDENTIAL),))
                return answer.event_ids[0], failed
            except grpc.aio.AioRpcError:
                failed += 1
        await asyncio.sleep(0.1)


async def finished(database: Database) -> list[int]:
    """The status codes of all recorded attempts, once there is one event and no delivery is unfinished."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        async with asyncio.timeout(30):
            while await connection.fetchval("select exists (select 1 from delivery.queue)"):  # noqa: ASYNC110 - nothing tells of another process's commit
                await asyncio.sleep(0.02)
        assert await connection.fetchval("select count(*) from delivery.event") == 1
        return [row["status_code"] for row in await connection.fetch(ATTEMPTS)]
    finally:
        await connection.close()


async def survive_a_death(database: Database, told: Mapping[str, object], armed: str, port: int) -> Outcome:
    """A publish to a process that dies as it is armed, and is started again."""
    publishing = asyncio.create_task(publish(f"127.0.0.1:{port}"))
    fault = {"FAULT_POINTS": armed, "ENVIRONMENT": "development"}
    async with process("delivery_svc", {**told, **fault}) as failing:
        assert await asyncio.wait_for(failing.process.wait(), 30) == -signal.SIGKILL
        assert '"event": "fault_point.reached"' in await failing.errors()
    async with process("delivery_svc", told) as again:
        await again.ready()
        event_id, failed = await publishing
        recorded = await finished(database)
        assert await again.stop() == 0
    return event_id, failed, recorded


async def survive(database: Database, armed: str) -> Outcome:
    """A publish to a pod that fails as it is armed and lives on, in this process."""
    points.arm(armed)
    try:
        with capture_logs() as told:
            async with delivery_service(database, delivery_retry_delays_seconds="0.2,0.2,0.2") as service:
                event_id, failed = await publish(service.target)
                recorded = await finished(database)
    finally:
        points.arm("")
    assert [one["event"] for one in told].count("fault_point.reached") == 1
    return event_id, failed, recorded


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("point", points.OF_DELIVERY)
async def test_a_failure_at_a_fault_point_loses_nothing_and_repeats_what_was_not_recorded(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, action: Action
) -> None:
    monkeypatch.setattr(points, "PAUSE_SECONDS", 0.5)
    armed = f"{point}:{action}"
    answers = [500, 200] if point == points.AFTER_CLAIM_BEFORE_DISPATCH else [200]  # it is a retry that is claimed
    async with Receiver(*answers) as receiver:
        await add_subscription(database, receiver.url)
        if action is Action.DIE:
            port = free_port()
            outcome = await survive_a_death(database, settings(database, tmp_path, port), armed, port)
        else:
            outcome = await survive(database, armed)
        arrived = [json.loads(request.body)["eventId"] for request in receiver.requests]
    event_id, failed, recorded = outcome
    undone = 1 if (point, action) == (points.AFTER_POST_BEFORE_RECORD, Action.DIE) else 0
    assert recorded == answers
    assert arrived == [event_id] * (len(answers) + undone)
    unheard = point in (points.IN_FLUSH_UNKNOWN_OUTCOME, points.AFTER_PUBLISH_COMMIT_BEFORE_ANSWER)
    if unheard and action is not Action.PAUSE:
        assert failed
