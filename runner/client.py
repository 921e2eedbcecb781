"""trigger_svc as a runner sees it: the calls of a run's life, each repeated while the service is away, for a bounded
time.

Every call carries the lease. LeaseLost is final: the run is somebody else's, and whatever the runner still does with
it is wrong. Other failures are grpc.aio.AioRpcError, once repeating them is over or no use.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

import grpc

from chassis.status import refusal_of
from chassis.tracing import TRACEPARENT_KEY
from runhook.trigger.v1.run_service_pb2 import (
    AppendRunLogRequest,
    GetRunPayloadRequest,
    HeartbeatRunsRequest,
    StartRunRequest,
    StoreArtifactsRequest,
)
from runner.artifacts import Artifact
from runner.convert import finish_request, lease_of, order_of
from runner.ending import Report
from runner.held import HeldRun
from runner.invocation import Order

if TYPE_CHECKING:
    from runhook.trigger.v1.run_service_pb2_grpc import RunServiceAsyncStub  # a type alone: nothing at run time

T = TypeVar("T")
Code = grpc.StatusCode
LOST_CODES = frozenset({Code.FAILED_PRECONDITION, Code.NOT_FOUND})
#: The one refusal with these codes that says nothing about the lease.
PAYLOAD_GONE = "PAYLOAD_GONE"
AWAY_CODES = frozenset(
    {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.ABORTED, Code.UNKNOWN, Code.INTERNAL}
)
CHUNK_BYTES = 256 * 1024
CALL_SECONDS = 10.0
STREAM_SECONDS = 60.0
#: An acquired run that is not started after 30 s is handed out again.
START_WITHIN_SECONDS = 20.0
PAYLOAD_WITHIN_SECONDS = 120.0
FINISH_WITHIN_SECONDS = 300.0
#: A finished run's artifacts are waited for this long.
STORE_WITHIN_SECONDS = 60.0
#: Longer than a lease lasts: a log is given up after its run.
LOG_WITHIN_SECONDS = 45.0
LONGEST_PAUSE = 3.0


class LeaseLost(Exception):
    """The run is not, or no longer, this runner's."""


class Client:
    """Speaks RunService for one runner; `metadata` proves who it is, `passthrough` overrides the triggers' data modes."""

    def __init__(
        self,
        stub: "RunServiceAsyncStub",
        metadata: tuple[tuple[str, str], ...],
        *,
        passthrough: bool | None = None,
    ) -> None:
        self._stub = stub
        self._metadata = metadata
        self._passthrough = passthrough

    async def start(self, held: HeldRun) -> Order:
        """Makes the run RUNNING and gives its order. From here on its lease must be kept."""
        request = StartRunRequest(lease=lease_of(held))

        async def once() -> Order:
            sent_at = time.monotonic()
            call = self._stub.StartRun(request, metadata=self._metadata, timeout=CALL_SECONDS)
            response = await call
            held.kept_at = sent_at
            told = dict(await call.trailing_metadata() or ())
            return order_of(response.order, traceparent=str(told.get(TRACEPARENT_KEY, "")))

        return await _patiently(once, START_WITHIN_SECONDS)

    async def fetch_payload(self, held: HeldRun, path: Path) -> None:
        """Writes the payload to `path` (mode 0600), from the beginning again where a stream broke."""
        request = GetRunPayloadRequest(lease=lease_of(held), passthrough=self._passthrough)

        async def once() -> None:
            file = await asyncio.to_thread(_open_private, path)
            with file:
                call = self._stub.GetRunPayload(request, metadata=self._metadata, timeout=STREAM_SECONDS)
                async for response in call:
                    file.write(response.chunk)

        await _patiently(once, PAYLOAD_WITHIN_SECONDS)

    async def finish(self, held: HeldRun, report: Report) -> None:
        """Makes the run final. Its lease need not be kept afterwards."""
        request = finish_request(held, report)

        async def once() -> None:
            await self._stub.FinishRun(request, metadata=self._metadata, timeout=CALL_SECONDS)

        await _patiently(once, FINISH_WITHIN_SECONDS)
        held.kept_at = None

    async def append_log(self, held: HeldRun, offset: int, chunk: bytes) -> int:
        """Hands over the next piece of a run's output, which begins at `offset`; how much of the log is kept."""
        request = AppendRunLogRequest(lease=lease_of(held), offset=offset, chunk=chunk)

        async def once() -> int:
            response = await self._stub.AppendRunLog(request, metadata=self._metadata, timeout=CALL_SECONDS)
            return response.log_bytes

        return await _patiently(once, LOG_WITHIN_SECONDS)

    async def store_artifacts(self, held: HeldRun, artifacts: Sequence[Artifact]) -> None:
        """Hands over what is to be kept of a finished run; with nothing to keep, says so."""

        async def once() -> None:
            requests = _store_requests(held, artifacts)
            await self._stub.StoreArtifacts(requests, metadata=self._metadata, timeout=STREAM_SECONDS)

        await _patiently(once, STORE_WITHIN_SECONDS)

    async def keep(self, held: Sequence[HeldRun]) -> frozenset[int]:
        """Keeps the leases; the ids of the runs whose lease is lost. Not repeated: the next beat does that."""
        request = HeartbeatRunsRequest(leases=[lease_of(one) for one in held])
        response = await self._stub.HeartbeatRuns(request, metadata=self._metadata, timeout=CALL_SECONDS / 2)
        return frozenset(response.lost_run_ids)


async def _patiently(once: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Calls until it succeeds, is refused, or `seconds` are over."""
    give_up_at = time.monotonic() + seconds
    pause = 0.1
    while True:
        try:
            return await once()
        except grpc.aio.AioRpcError as error:
            refusal = refusal_of(error)
            if error.code() in LOST_CODES and refusal.reason != PAYLOAD_GONE:
                raise LeaseLost(refusal.message) from error
            if error.code() not in AWAY_CODES or time.monotonic() + pause > give_up_at:
                raise
        await asyncio.sleep(pause * random.uniform(0.7, 1.3))
        pause = min(LONGEST_PAUSE, pause * 2)


async def _store_requests(held: HeldRun, artifacts: Sequence[Artifact]) -> AsyncIterator[StoreArtifactsRequest]:
    yield StoreArtifactsRequest(lease=lease_of(held))
    for artifact in artifacts:
        yield StoreArtifactsRequest(name=artifact.name, chunk=artifact.content[:CHUNK_BYTES])
        for start in range(CHUNK_BYTES, len(artifact.content), CHUNK_BYTES):
            yield StoreArtifactsRequest(chunk=artifact.content[start : start + CHUNK_BYTES])


def _open_private(path: Path) -> IO[bytes]:
    file = path.open("wb")
    path.chmod(0o600)
    return file
