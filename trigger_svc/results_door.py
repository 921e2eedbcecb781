"""The rpcs of TriggerService about what a run left behind: its log and its artifacts, streamed."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc

from chassis.caller import Callers
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceServicer
from trigger_svc import rights
from trigger_svc.read_results import read_artifact, read_run_log

Context = grpc.aio.ServicerContext[Any, Any]


class ResultsDoor(TriggerServiceServicer):
    """A part of Servicer, which sets what is named here."""

    _pool: asyncpg.Pool
    _callers: Callers

    async def GetRunLog(self, request: pb.GetRunLogRequest, context: Context) -> AsyncIterator[pb.GetRunLogResponse]:
        """Streams what a run printed."""
        await self._may_read(context, request.account_id)
        async for chunk in read_run_log(self._pool, request.account_id, request.run_id, request.offset):
            yield pb.GetRunLogResponse(chunk=chunk)

    async def GetArtifact(
        self, request: pb.GetArtifactRequest, context: Context
    ) -> AsyncIterator[pb.GetArtifactResponse]:
        """Streams an artifact."""
        await self._may_read(context, request.account_id)
        async for chunk in read_artifact(self._pool, request.account_id, request.run_id, request.name):
            yield pb.GetArtifactResponse(chunk=chunk)

    async def _may_read(self, context: Context, account_id: int) -> None:
        (await self._callers.of(context)).require(account_id, rights.RUNS_READ)
