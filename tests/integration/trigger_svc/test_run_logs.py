"""Logs and artifacts of runs over real gRPC: written under a lease, bounded, read by their account."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from chassis.status import refusal_of
from runhook.trigger.v1 import run_service_pb2 as run_pb
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.run_pb2 import Run, RunLease
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, call
from tests.support.trigger_service import METADATA, Service, service

LIMIT = 1_000


@pytest.fixture
async def trigger_svc(database: Database, tmp_path: Path) -> AsyncIterator[Service]:
    """trigger_svc that keeps 1,000 bytes of a log, with leases of 1 s."""
    settings = {"TRIGGER_LOG_BYTES": LIMIT, "TRIGGER_LEASE_SECONDS": 1, "TRIGGER_RESCUE_SECONDS": 0.1}
    async with service(database, tmp_path, **settings) as running:
        yield running


async def append(trigger_svc: Service, lease: RunLease, offset: int, chunk: bytes) -> int:
    """Appends; how long the log is."""
    request = run_pb.AppendRunLogRequest(lease=lease, offset=offset, chunk=chunk)
    return (await trigger_svc.runs.AppendRunLog(request, metadata=METADATA)).log_bytes


async def log_of(trigger_svc: Service, run_id: int, offset: int = 0, account_id: int = ACCOUNT) -> bytes:
    """The log from an offset on."""
    request = pb.GetRunLogRequest(account_id=account_id, run_id=run_id, offset=offset)
    return b"".join([part.chunk async for part in trigger_svc.triggers.GetRunLog(request, metadata=METADATA)])


async def artifact(trigger_svc: Service, run_id: int, name: str, account_id: int = ACCOUNT) -> bytes:
    """An artifact."""
    request = pb.GetArtifactRequest(account_id=account_id, run_id=run_id, name=name)
    return b"".join([part.chunk async for part in trigger_svc.triggers.GetArtifact(request, metadata=METADATA)])


async def run_of(trigger_svc: Service, run_id: int) -> Run:
    """The run as its account reads it."""
    request = pb.GetRunRequest(account_id=ACCOUNT, run_id=run_id)
    return (await trigger_svc.triggers.GetRun(request, metadata=METADATA)).run


async def started(trigger_svc: Service, **task: object) -> RunLease:
    """The lease of a run that was started, on a runner that is gone again."""
    _, token = await trigger_svc.trigger(task=task, threshold=1)
    await trigger_svc.receive(call(token))
    async with trigger_svc.runner() as runner:
        lease: RunLease = await runner.take()
        await trigger_svc.start(lease)
    return lease


async def reason_of(answer: asyncio.Future[object] | object) -> str:
    """Why it was refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answer  # type: ignore[misc]
    return refusal_of(caught.value).reason


async def test_a_log_is_read_from_any_offset_while_it_grows_and_a_piece_that_comes_again_changes_nothing(
    trigger_svc: Service,
) -> None:
    lease = await started(trigger_svc)
    assert await append(trigger_svc, lease, 0, b"one\n") == 4
    assert await append(trigger_svc, lease, 0, b"one\n") == 4
    assert await append(trigger_svc, lease, 2, b"e\ntwo\n") == 8
    assert await append(trigger_svc, lease, 0, b"other") == 8
    for offset in range(10):
        assert await log_of(trigger_svc, lease.run_id, offset) == b"one\ntwo\n"[offset:]
    await asyncio.gather(*(append(trigger_svc, lease, 8, b"three\n") for _ in range(5)))
    assert await log_of(trigger_svc, lease.run_id) == b"one\ntwo\nthree\n"
    run = await run_of(trigger_svc, lease.run_id)
    assert (run.log_bytes, run.log_truncated) == (14, False)


async def test_beyond_its_limit_a_log_is_cut_and_says_so(trigger_svc: Service) -> None:
    lease = await started(trigger_svc)
    assert await append(trigger_svc, lease, 0, b"x" * LIMIT) == LIMIT
    assert not (await run_of(trigger_svc, lease.run_id)).log_truncated
    assert await append(trigger_svc, lease, LIMIT, b"y") == LIMIT
    assert await append(trigger_svc, lease, LIMIT + 1, b"y" * 9) == LIMIT
    assert (await run_of(trigger_svc, lease.run_id)).log_truncated
    assert await log_of(trigger_svc, lease.run_id) == b"x" * LIMIT

    lease = await started(trigger_svc)
    assert await append(trigger_svc, lease, 0, b"x" * 900) == 900
    assert await append(trigger_svc, lease, 900, b"y" * 200) == LIMIT
    assert (await log_of(trigger_svc, lease.run_id))[895:] == b"x" * 5 + b"y" * 100
    assert (await run_of(trigger_svc, lease.run_id)).log_truncated


async def test_who_does_not_hold_the_run_writes_nothing_to_its_log(trigger_svc: Service) -> None:
    lease = await started(trigger_svc)
    await append(trigger_svc, lease, 0, b"mine")
    other = RunLease(run_id=lease.run_id, lease_id=lease.lease_id + 1)
    assert await reason_of(append(trigger_svc, other, 4, b"theirs")) == "LEASE_LOST"
    nobody = RunLease(run_id=lease.run_id + 1000, lease_id=lease.lease_id)
    assert await reason_of(append(trigger_svc, nobody, 0, b"theirs")) == "LEASE_LOST"
    await trigger_svc.finish(lease)
    assert await append(trigger_svc, lease, 4, b" still") == 10  # until its artifacts are in
    await trigger_svc.store(lease)
    assert await reason_of(append(trigger_svc, lease, 10, b"late")) == "LEASE_LOST"
    assert await log_of(trigger_svc, lease.run_id) == b"mine still"


async def test_a_hole_a_bad_offset_and_a_piece_of_the_wrong_size_are_refused(trigger_svc: Service) -> None:
    lease = await started(trigger_svc)
    for offset, chunk in ((1, b"x"), (-1, b"x"), (2**62, b"x"), (0, b""), (0, b"x" * (256 * 1024 + 1))):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await append(trigger_svc, lease, offset, chunk)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert await log_of(trigger_svc, lease.run_id) == b""


async def test_a_second_attempt_goes_on_where_the_log_of_the_first_ends_on_whichever_day(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(task={"max_attempts": 2}, threshold=1)
    await trigger_svc.receive(call(token))
    async with trigger_svc.runner() as runner:
        first = await runner.take()
        await trigger_svc.start(first)
        await append(trigger_svc, first, 0, b"first\n")
        back = "update trigger.{} set {} = {} - interval '1 day' where run_id = $1"
        await trigger_svc.pool.execute(back.format("run", "created_at", "created_at"), first.run_id)
        await trigger_svc.pool.execute(back.format("run_log", "started_day", "started_day"), first.run_id)
        second = await runner.take()  # its lease ran out
        order = await trigger_svc.start(second)
        assert (second.run_id, order.log_bytes) == (first.run_id, 6)
        assert await reason_of(append(trigger_svc, first, 6, b"late")) == "LEASE_LOST"
        await append(trigger_svc, second, 6, b"second\n")
    assert await log_of(trigger_svc, first.run_id) == b"first\nsecond\n"
    assert await log_of(trigger_svc, first.run_id, 3) == b"st\nsecond\n"


async def test_artifacts_are_read_as_they_were_stored_and_by_their_account_alone(trigger_svc: Service) -> None:
    lease = await started(trigger_svc)
    await trigger_svc.finish(lease)
    await trigger_svc.store(lease, run_results=b"0123456789", empty=b"")
    assert await artifact(trigger_svc, lease.run_id, "run_results") == b"0123456789"
    assert await artifact(trigger_svc, lease.run_id, "empty") == b""
    for run_id, name, account_id in (
        (lease.run_id, "other", ACCOUNT),
        (lease.run_id, "", ACCOUNT),
        (lease.run_id + 1, "empty", ACCOUNT),
        (lease.run_id, "empty", ACCOUNT + 1),
    ):
        assert await reason_of(artifact(trigger_svc, run_id, name, account_id)) == "ARTIFACT_NOT_FOUND"
    assert await reason_of(log_of(trigger_svc, lease.run_id, account_id=ACCOUNT + 1)) == "RUN_NOT_FOUND"
    await trigger_svc.pool.execute("delete from trigger.artifact_chunk")
    assert await reason_of(artifact(trigger_svc, lease.run_id, "run_results")) == "ARTIFACT_NOT_FOUND"


async def test_a_runners_passthrough_goes_before_the_triggers_data_mode(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=1)
    await trigger_svc.receive(call(token, b'{"a": 1}'))
    async with trigger_svc.runner() as runner:
        lease = await runner.take()
        seen = []
        for passthrough in (None, True, False):
            request = run_pb.GetRunPayloadRequest(lease=lease, passthrough=passthrough)
            parts = trigger_svc.runs.GetRunPayload(request, metadata=METADATA)
            seen.append(b"".join([part.chunk async for part in parts]))
    escaped = b'[{"data":"{\\"a\\": 1}","type":"application/json"}]'
    assert seen == [escaped, escaped, b'[{"data":"{"a": 1}","type":"application/json"}]']
