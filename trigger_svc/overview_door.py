"""The rpc of TriggerService that shows an account's overview: parse, call one verb, convert."""

from typing import Any

import asyncpg
import grpc

from chassis.caller import Callers
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceServicer
from trigger_svc import convert_overview, rights
from trigger_svc.look_over import look_over

Context = grpc.aio.ServicerContext[Any, Any]


class OverviewDoor(TriggerServiceServicer):
    """A part of Servicer, which sets what is named here."""

    _pool: asyncpg.Pool
    _callers: Callers

    async def GetOverview(self, request: pb.GetOverviewRequest, context: Context) -> pb.GetOverviewResponse:
        """Returns the overview."""
        (await self._callers.of(context)).require(request.account_id, rights.RUNS_READ)
        taken = await look_over(self._pool, request.account_id)
        return pb.GetOverviewResponse(overview=convert_overview.overview(taken))
