"""RunService: what runners speak. Invariant: a runner with an account's token sees that account's runs alone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import grpc
from google.protobuf.duration_pb2 import Duration

from chassis import tracing
from chassis.caller import Callers
from chassis.errors import BadField, InvalidInput, Unauthenticated
from chassis.keyring import KeyRing
from runhook.trigger.v1 import run_service_pb2 as pb
from runhook.trigger.v1.run_pb2 import RunLease
from runhook.trigger.v1.run_service_pb2_grpc import RunServiceServicer
from trigger_svc import convert, rights
from trigger_svc.acquirer import Acquirer, Runner, room, runner_of
from trigger_svc.append_run_log import append_run_log
from trigger_svc.element import STRING, TALEND_RAW
from trigger_svc.finish_run import finish_run
from trigger_svc.journey import Journey
from trigger_svc.read_payload import read_payload
from trigger_svc.run import Lease, ending
from trigger_svc.run_token import PREFIX, is_run_token, make_run_token
from trigger_svc.settings import TriggerSettings
from trigger_svc.start_run import keep_leases, start_run
from trigger_svc.store_artifacts import store_artifacts

Context = grpc.aio.ServicerContext[Any, Any]
#: The data mode that a runner asks for, whatever the trigger's is.
PASSTHROUGH = {True: STRING, False: TALEND_RAW}


class RunServicer(RunServiceServicer):
    """Runs, from acquired to stored. `acquire` and `announce` wake those loops of this pod."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        callers: Callers,
        key_ring: KeyRing,
        acquirer: Acquirer,
        settings: TriggerSettings,
        draining: asyncio.Event,
        *,
        acquire: Callable[[], None],
        announce: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._callers = callers
        self._key_ring = key_ring
        self._acquirer = acquirer
        self._settings = settings
        self._lease_duration = Duration(nanos=int(settings.trigger_lease_seconds % 1 * 1e9))
        self._lease_duration.seconds = int(settings.trigger_lease_seconds)
        self._draining = draining
        self._acquire = acquire
        self._announce = announce

    async def AcquireRuns(
        self, request_iterator: AsyncIterator[pb.AcquireRunsRequest], context: Context
    ) -> AsyncIterator[pb.AcquireRunsResponse]:
        """Hands out runs until either side ends the stream."""
        account_id = await self._account(context)
        first = await anext(request_iterator, pb.AcquireRunsRequest())
        runner = runner_of(first.runner_name, first.commands, first.free_slots, account_id)
        listening = asyncio.create_task(self._listen(request_iterator, runner))
        draining = asyncio.create_task(self._draining.wait())
        draining.add_done_callback(lambda _: listening.cancel())
        self._acquirer.connect(runner)
        self._acquire()
        try:
            while (one := await runner.leased.get()) is not None:
                lease = RunLease(run_id=one.run_id, lease_id=one.lease_id)
                yield pb.AcquireRunsResponse(lease=lease, lease_duration=self._lease_duration)
        finally:
            draining.cancel()
            listening.cancel()
            await self._acquirer.disconnect(runner)

    async def GetRunPayload(
        self, request: pb.GetRunPayloadRequest, context: Context
    ) -> AsyncIterator[pb.GetRunPayloadResponse]:
        """Streams the payload."""
        lease = await self._lease_of_payload(context, request)
        data_mode = PASSTHROUGH[request.passthrough] if request.HasField("passthrough") else None
        async for chunk in read_payload(self._pool, lease, data_mode):
            yield pb.GetRunPayloadResponse(chunk=chunk)

    async def StartRun(self, request: pb.StartRunRequest, context: Context) -> pb.StartRunResponse:
        """Makes a run RUNNING."""
        lease = await self._lease(context, request)
        order, started = await start_run(self._pool, lease, lease_seconds=self._settings.trigger_lease_seconds)
        if started:
            self._announce()
        if tracing.on():
            traces = await Journey(self._pool).of_runs([lease.run_id])
            context.set_trailing_metadata([(tracing.TRACEPARENT_KEY, one) for one in traces.values()])
        run_token = make_run_token(self._key_ring, lease.run_id, lease.lease_id)
        return pb.StartRunResponse(order=convert.order(order, run_token))

    async def HeartbeatRuns(self, request: pb.HeartbeatRunsRequest, context: Context) -> pb.HeartbeatRunsResponse:
        """Keeps leases alive."""
        account_id = await self._account(context)
        lost = await keep_leases(
            self._pool,
            [(one.run_id, one.lease_id) for one in request.leases],
            account_id=account_id,
            lease_seconds=self._settings.trigger_lease_seconds,
        )
        return pb.HeartbeatRunsResponse(lost_run_ids=lost)

    async def FinishRun(self, request: pb.FinishRunRequest, context: Context) -> pb.FinishRunResponse:
        """Makes a run final."""
        lease = await self._lease(context, request)
        exit_code = request.exit_code if request.HasField("exit_code") else None
        await finish_run(
            self._pool,
            lease,
            ending(exit_code, request.reason, request.message, request.summary),
            artifact_seconds=self._settings.trigger_artifact_seconds,
        )
        self._announce()
        self._acquire()
        return pb.FinishRunResponse()

    async def StoreArtifacts(
        self, request_iterator: AsyncIterator[pb.StoreArtifactsRequest], context: Context
    ) -> pb.StoreArtifactsResponse:
        """Keeps artifacts."""
        first = await anext(request_iterator, pb.StoreArtifactsRequest())
        lease = await self._lease(context, first)

        async def pieces() -> AsyncIterator[tuple[str, bytes]]:
            yield first.name, first.chunk
            async for request in request_iterator:
                yield request.name, request.chunk

        count = await store_artifacts(self._pool, lease, pieces())
        self._announce()
        return pb.StoreArtifactsResponse(artifact_count=count)

    async def AppendRunLog(self, request: pb.AppendRunLogRequest, context: Context) -> pb.AppendRunLogResponse:
        """Keeps the next piece of output."""
        log_bytes = await append_run_log(
            self._pool,
            await self._lease(context, request),
            offset=request.offset,
            chunk=request.chunk,
            most_bytes=self._settings.trigger_log_bytes,
        )
        return pb.AppendRunLogResponse(log_bytes=log_bytes)

    async def _listen(self, requests: AsyncIterator[pb.AcquireRunsRequest], runner: Runner) -> None:
        try:
            async for request in requests:
                runner.free_slots = room(request.free_slots)
                self._acquire()
        finally:
            runner.leased.put_nowait(None)

    async def _account(self, context: Context) -> int | None:
        """The account that the calling runner sees; None for one of our own, which sees all."""
        caller = await self._callers.of(context)
        if caller.account_id is not None:
            caller.require(caller.account_id, rights.RUNS_TAKE)
        return caller.account_id

    async def _lease(
        self,
        context: Context,
        request: pb.GetRunPayloadRequest
        | pb.StartRunRequest
        | pb.FinishRunRequest
        | pb.StoreArtifactsRequest
        | pb.AppendRunLogRequest,
    ) -> Lease:
        account_id = await self._account(context)
        if not request.HasField("lease"):
            raise InvalidInput([BadField("lease", "is required")])
        return convert.lease(request.lease, account_id)

    async def _lease_of_payload(self, context: Context, request: pb.GetRunPayloadRequest) -> Lease:
        """The lease of a call that whoever carries the run out may make as well, with the run's own token."""
        token = _bearer(context)
        if not token.startswith(PREFIX):
            return await self._lease(context, request)
        lease = convert.lease(request.lease, None)
        if not is_run_token(self._key_ring, token, lease.run_id, lease.lease_id):
            raise Unauthenticated("TOKEN_UNKNOWN", "the run token is not of this run under this lease")
        return lease


def _bearer(context: Context) -> str:
    values = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    return values.get("authorization", "").removeprefix("Bearer ")
