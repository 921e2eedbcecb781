"""RunService in memory behind a real gRPC server: the runner's peer in its tests, with the semantics of the proto.

Runs are handed out within the free slots of the newest request; an acquired one is handed out again when it is not
started in time; every call checks the lease. Tests add runs, wait for what becomes of them, take leases away, stop
and restart the server.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

from chassis.errors import FailedPrecondition
from chassis.status import rpc_status_of
from runhook.trigger.v1.run_pb2 import RunLease, RunOrder
from runhook.trigger.v1.run_service_pb2 import (
    AcquireRunsRequest,
    AcquireRunsResponse,
    AppendRunLogRequest,
    AppendRunLogResponse,
    FinishRunRequest,
    FinishRunResponse,
    GetRunPayloadRequest,
    GetRunPayloadResponse,
    HeartbeatRunsRequest,
    HeartbeatRunsResponse,
    StartRunRequest,
    StartRunResponse,
    StoreArtifactsRequest,
    StoreArtifactsResponse,
)
from runhook.trigger.v1.run_service_pb2_grpc import RunServiceServicer, add_RunServiceServicer_to_server
from tests.support.grpc_peer import say_ready

CHUNK_BYTES = 256 * 1024
#: After which a test says that it hangs: a runner and its pods are processes, which start slowly on a busy machine.
PATIENCE_SECONDS = 60.0
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(eq=False)
class KeptRun:
    """A run as the service knows it. `state` goes pending, acquired, running, finished, stored."""

    order: RunOrder
    payload: bytes = b""
    state: str = "pending"
    lease_id: int = 0
    acquired_at: float = 0.0
    beats: int = 0
    report: FinishRunRequest | None = None
    artifacts: dict[str, bytes] = field(default_factory=dict)
    largest_chunk: int = 0
    log: bytes = b""
    pieces: list[tuple[float, int]] = field(default_factory=list)
    passthrough: bool | None = None


class MemoryRunService(RunServiceServicer):
    """The service and what a test asks of it. `start_seconds` is how long a run may be acquired and not started."""

    def __init__(self, start_seconds: float = 30.0) -> None:
        self.runs: dict[int, KeptRun] = {}
        self.requests: list[AcquireRunsRequest] = []
        self.metadata: list[dict[str, str]] = []
        self.payload_breaks = 0
        self.payloads_gone = False
        self.streams = 0
        self.log_limit = 8 << 20
        self.log_breaks = 0
        self._start_seconds = start_seconds
        self._run_ids = itertools.count(7001)
        self._lease_ids = itertools.count(1)
        self._changed = asyncio.Condition()
        self._server: grpc.aio.Server | None = None
        self._port = 0

    async def serve(self, credentials: grpc.ServerCredentials | None = None) -> str:
        """Listens on loopback, on the same port as before if there was one; with credentials, over TLS. The target."""
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        add_RunServiceServicer_to_server(self, self._server)
        await say_ready(self._server)
        address = f"127.0.0.1:{self._port}"
        self._port = (
            self._server.add_secure_port(address, credentials)
            if credentials is not None
            else self._server.add_insecure_port(address)
        )
        await self._server.start()
        return self.target

    @property
    def target(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._port}"

    async def stop(self) -> None:
        """Goes away at once, breaking every stream."""
        assert self._server is not None
        await self._server.stop(None)

    async def add(self, command: str, *, payload: bytes | None = None, account_id: int = 1, **order: Any) -> int:
        """A new run for the runner to take; `order` are further fields of RunOrder. Its id."""
        run_id = next(self._run_ids)
        order.setdefault("timeout", {"seconds": 60})
        made = RunOrder(
            run_id=run_id,
            account_id=account_id,
            execution_id=f"exe_{run_id:027d}",
            command=command,
            has_payload=payload is not None,
            **order,
        )
        self.runs[run_id] = KeptRun(order=made, payload=payload or b"")
        await self._say_changed()
        return run_id

    async def until(self, run_id: int, state: str, seconds: float = PATIENCE_SECONDS) -> KeptRun:
        """Waits until the run is in `state`."""
        run = self.runs[run_id]
        await self.until_true(lambda: run.state == state, seconds)
        return run

    async def until_true(self, condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Waits until something that a call changes is so."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    def take_away(self, run_id: int) -> None:
        """Gives the lease to somebody else."""
        self.runs[run_id].lease_id = next(self._lease_ids)

    async def hand_out_again(self, run_id: int) -> None:
        """Lets a started run be taken anew, as one whose runner was lost."""
        self.runs[run_id].state = "pending"
        await self._say_changed()

    async def AcquireRuns(
        self, requests: AsyncIterator[AcquireRunsRequest], context: Context
    ) -> AsyncIterator[AcquireRunsResponse]:
        self.metadata.append({key: str(value) for key, value in context.invocation_metadata() or ()})
        credit: list[int] = []
        commands: set[str] = set()

        async def read() -> None:
            async for request in requests:
                self.requests.append(request)
                commands.update(request.commands)
                credit[:] = [request.free_slots]
                await self._say_changed()

        reading = asyncio.create_task(read())
        self.streams += 1
        try:
            while True:
                run = await self._next_free(commands, credit)
                credit[0] -= 1
                run.state, run.lease_id, run.acquired_at = "acquired", next(self._lease_ids), time.monotonic()
                await self._say_changed()
                yield AcquireRunsResponse(lease=RunLease(run_id=run.order.run_id, lease_id=run.lease_id))
        finally:
            reading.cancel()
            self.streams -= 1
            await self._say_changed()

    async def StartRun(self, request: StartRunRequest, context: Context) -> StartRunResponse:
        run = await self._leased(request.lease, context)
        run.state = "running"
        await self._say_changed()
        return StartRunResponse(order=run.order)

    async def GetRunPayload(
        self, request: GetRunPayloadRequest, context: Context
    ) -> AsyncIterator[GetRunPayloadResponse]:
        run = await self._leased(request.lease, context)
        run.passthrough = request.passthrough if request.HasField("passthrough") else None
        if self.payloads_gone:
            gone = FailedPrecondition("PAYLOAD_GONE", "the payload is past its retention")
            await context.abort_with_status(rpc_status_of(gone))
        for start in range(0, len(run.payload), CHUNK_BYTES):
            yield GetRunPayloadResponse(chunk=run.payload[start : start + CHUNK_BYTES])
            if self.payload_breaks > 0:
                self.payload_breaks -= 1
                await context.abort(grpc.StatusCode.UNAVAILABLE, "broken on purpose")

    async def HeartbeatRuns(self, request: HeartbeatRunsRequest, context: Context) -> HeartbeatRunsResponse:
        lost = []
        for lease in request.leases:
            run = self.runs.get(lease.run_id)
            if run is None or run.lease_id != lease.lease_id or run.state != "running":
                lost.append(lease.run_id)
            else:
                run.beats += 1
        await self._say_changed()
        return HeartbeatRunsResponse(lost_run_ids=lost)

    async def FinishRun(self, request: FinishRunRequest, context: Context) -> FinishRunResponse:
        run = await self._leased(request.lease, context)
        run.state, run.report = "finished", request
        await self._say_changed()
        return FinishRunResponse()

    async def AppendRunLog(self, request: AppendRunLogRequest, context: Context) -> AppendRunLogResponse:
        run = await self._leased(request.lease, context)
        assert 1 <= len(request.chunk) <= CHUNK_BYTES
        assert request.offset <= len(run.log) or len(run.log) == self.log_limit, "a hole"
        run.log = (run.log + request.chunk[len(run.log) - request.offset :])[: self.log_limit]
        run.pieces.append((time.monotonic(), len(request.chunk)))
        await self._say_changed()
        if self.log_breaks > 0:  # kept, and the answer lost
            self.log_breaks -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "broken on purpose")
        return AppendRunLogResponse(log_bytes=len(run.log))

    async def StoreArtifacts(
        self, requests: AsyncIterator[StoreArtifactsRequest], context: Context
    ) -> StoreArtifactsResponse:
        run: KeptRun | None = None
        name = ""
        async for request in requests:
            run = run or await self._leased(request.lease, context)
            name = request.name or name
            run.largest_chunk = max(run.largest_chunk, len(request.chunk))
            if name:
                run.artifacts[name] = run.artifacts.get(name, b"") + request.chunk
        assert run is not None
        run.state = "stored"
        await self._say_changed()
        return StoreArtifactsResponse(artifact_count=len(run.artifacts))

    async def _next_free(self, commands: set[str], credit: list[int]) -> KeptRun:
        while True:
            late = time.monotonic() - self._start_seconds
            for run in self.runs.values():
                free = run.state == "pending" or (run.state == "acquired" and run.acquired_at < late)
                if free and credit and credit[0] > 0 and run.order.command in commands:
                    return run
            async with self._changed:
                try:
                    await asyncio.wait_for(self._changed.wait(), timeout=0.1)
                except TimeoutError:
                    continue

    async def _leased(self, lease: RunLease, context: Context) -> KeptRun:
        run = self.runs.get(lease.run_id)
        if run is None or run.lease_id != lease.lease_id:
            await context.abort_with_status(
                rpc_status_of(FailedPrecondition("LEASE_LOST", "somebody else has the run"))
            )
        assert run is not None
        return run

    async def _say_changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()
