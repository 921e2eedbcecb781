"""TriggerService: parse, call one verb, convert. Invariant: who may not call learns and changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import grpc

from chassis.caller import Callers
from chassis.clock import DatabaseClock
from chassis.keyring import KeyRing
from runhook.trigger.v1 import trigger_service_pb2 as pb
from trigger_svc.call_stream import CallStream
from trigger_svc.configure_trigger import Configurer
from trigger_svc.execution_door import ExecutionDoor
from trigger_svc.overview_door import OverviewDoor
from trigger_svc.receive import Receiver
from trigger_svc.results_door import ResultsDoor
from trigger_svc.task_door import TaskDoor
from trigger_svc.trigger_door import TriggerDoor

Context = grpc.aio.ServicerContext[Any, Any]


class Servicer(TaskDoor, TriggerDoor, ExecutionDoor, ResultsDoor, OverviewDoor):
    """Tasks, triggers, calls, and what they set going. `acquire` wakes that loop of this pod."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        callers: Callers,
        key_ring: KeyRing,
        clock: DatabaseClock,
        receiver: Receiver,
        configurer: Configurer,
        draining: asyncio.Event,
        *,
        acquire: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._callers = callers
        self._key_ring = key_ring
        self._clock = clock
        self._receiver = receiver
        self._configurer = configurer
        self._draining = draining
        self._acquire = acquire

    async def ReceiveCalls(
        self, request_iterator: AsyncIterator[pb.ReceiveCallsRequest], context: Context
    ) -> AsyncIterator[pb.ReceiveCallsResponse]:
        """Takes calls in."""
        (await self._callers.of(context)).require_service()
        await context.send_initial_metadata(())  # tells the gateway at once that the stream leads somewhere
        async for answer in CallStream(self._receiver).answer_all(request_iterator, self._draining):
            yield answer

    async def _admit(self, context: Context, account_id: int, permission_sets: frozenset[str]) -> None:
        (await self._callers.of(context)).require(account_id, permission_sets)
