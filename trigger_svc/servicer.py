"""The gRPC door of TriggerService: parse, call one verb, convert."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc

from chassis.caller import Caller, Callers
from chassis.clock import DatabaseClock
from chassis.errors import BadField, InvalidInput, NotFound
from chassis.ids import is_id
from chassis.keyring import KeyRing
from runhook.trigger.v1 import trigger_service_pb2 as wire
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceServicer
from trigger_svc import convert, rights
from trigger_svc.call_stream import CallStreams
from trigger_svc.create_task import create_task
from trigger_svc.create_trigger import create_trigger
from trigger_svc.page import Page
from trigger_svc.store import execution as executions
from trigger_svc.store import task as tasks
from trigger_svc.store import trigger as triggers
from trigger_svc.store import window as windows

Context = grpc.aio.ServicerContext[Any, Any]


class Servicer(TriggerServiceServicer):
    """TriggerService."""

    def __init__(
        self, pool: asyncpg.Pool, callers: Callers, key_ring: KeyRing, clock: DatabaseClock, streams: CallStreams
    ) -> None:
        self._pool = pool
        self._callers = callers
        self._key_ring = key_ring
        self._clock = clock
        self._streams = streams

    async def CreateTask(self, request: wire.CreateTaskRequest, context: Context) -> wire.CreateTaskResponse:  # type: ignore[override]
        """Makes a task."""
        await self._require(context, request.task.account_id, rights.TRIGGERS_WRITE)
        task = await create_task(self._pool, convert.new_task(request.task))
        return wire.CreateTaskResponse(task=convert.task(task))
