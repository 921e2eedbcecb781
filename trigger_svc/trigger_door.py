"""The rpcs of TriggerService that configure triggers and look into their windows: parse, call one verb, convert."""

from typing import Any

import asyncpg
import grpc

from chassis.caller import Caller, Callers
from chassis.clock import DatabaseClock
from chassis.keyring import KeyRing
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceServicer
from trigger_svc import convert_trigger, look_up, rights
from trigger_svc.configure_trigger import Configurer
from trigger_svc.create_trigger import create_trigger
from trigger_svc.look_into_windows import find_window, list_calls, list_windows, newest_window
from trigger_svc.wire import seconds, timestamp

Context = grpc.aio.ServicerContext[Any, Any]


class TriggerDoor(TriggerServiceServicer):
    """A part of Servicer, which sets what is named here."""

    _pool: asyncpg.Pool
    _callers: Callers
    _key_ring: KeyRing
    _clock: DatabaseClock
    _configurer: Configurer

    async def CreateTrigger(self, request: pb.CreateTriggerRequest, context: Context) -> pb.CreateTriggerResponse:
        """Makes a trigger; the answer has its token if it is a webhook."""
        await self._require(context, request.trigger.account_id, rights.TRIGGERS_WRITE)
        wanted = convert_trigger.new_trigger(request.trigger)
        made, token = await create_trigger(self._pool, self._key_ring, self._clock, wanted)
        return pb.CreateTriggerResponse(trigger=convert_trigger.trigger(made), token=token)

    async def GetTrigger(self, request: pb.GetTriggerRequest, context: Context) -> pb.GetTriggerResponse:
        """Returns one trigger with its newest window."""
        await self._require(context, request.account_id, rights.TRIGGERS_READ)
        trigger = await look_up.trigger(self._pool, request.account_id, request.trigger_id)
        window = await newest_window(self._pool, trigger.trigger_id)
        newest = None if window is None else convert_trigger.window(window)
        return pb.GetTriggerResponse(trigger=convert_trigger.trigger(trigger), newest_window=newest)

    async def ListTriggers(self, request: pb.ListTriggersRequest, context: Context) -> pb.ListTriggersResponse:
        """Returns one page of triggers."""
        await self._require(context, request.account_id, rights.TRIGGERS_READ)
        found, next_page_token = await self._configurer.page(
            request.account_id, page_size=request.page_size, page_token=request.page_token
        )
        triggers = [convert_trigger.trigger(one) for one in found]
        return pb.ListTriggersResponse(triggers=triggers, next_page_token=next_page_token)

    async def UpdateTrigger(self, request: pb.UpdateTriggerRequest, context: Context) -> pb.UpdateTriggerResponse:
        """Replaces a trigger."""
        asked = request.trigger
        await self._require(context, asked.account_id, rights.TRIGGERS_WRITE)
        wanted = convert_trigger.new_trigger(asked, default_kind="")
        changed = await self._configurer.update(asked.trigger_id, wanted, enabled=asked.enabled, etag=asked.etag)
        return pb.UpdateTriggerResponse(trigger=convert_trigger.trigger(changed))

    async def DeleteTrigger(self, request: pb.DeleteTriggerRequest, context: Context) -> pb.DeleteTriggerResponse:
        """Deletes a trigger."""
        caller = await self._require(context, request.account_id, rights.TRIGGERS_WRITE)
        await self._configurer.delete(
            request.account_id, request.trigger_id, discard=request.discard_open_window, token_id=caller.token_id
        )
        return pb.DeleteTriggerResponse()

    async def RevealTriggerToken(
        self, request: pb.RevealTriggerTokenRequest, context: Context
    ) -> pb.RevealTriggerTokenResponse:
        """Returns a webhook's tokens."""
        caller = await self._require(context, request.account_id, rights.TRIGGERS_REVEAL)
        found = await self._configurer.reveal(request.account_id, request.trigger_id, token_id=caller.token_id)
        return pb.RevealTriggerTokenResponse(
            token=found.token,
            old_token=found.old_token,
            old_token_expire_time=timestamp(found.old_token_expires_at),
        )

    async def RegenerateTriggerToken(
        self, request: pb.RegenerateTriggerTokenRequest, context: Context
    ) -> pb.RegenerateTriggerTokenResponse:
        """Makes a new token."""
        caller = await self._require(context, request.account_id, rights.TRIGGERS_REVEAL)
        token = await self._configurer.regenerate(
            request.account_id, request.trigger_id, grace_seconds=seconds(request.grace), token_id=caller.token_id
        )
        return pb.RegenerateTriggerTokenResponse(token=token)

    async def ListWindows(self, request: pb.ListWindowsRequest, context: Context) -> pb.ListWindowsResponse:
        """Returns one page of windows."""
        await self._require(context, request.account_id, rights.TRIGGERS_READ)
        trigger = await look_up.trigger(self._pool, request.account_id, request.trigger_id)
        found, next_page_token = await list_windows(
            self._pool, trigger.trigger_id, page_size=request.page_size, page_token=request.page_token
        )
        windows = [convert_trigger.window(one) for one in found]
        return pb.ListWindowsResponse(windows=windows, next_page_token=next_page_token)

    async def GetWindow(self, request: pb.GetWindowRequest, context: Context) -> pb.GetWindowResponse:
        """Returns one window."""
        await self._require(context, request.account_id, rights.TRIGGERS_READ)
        trigger = await look_up.trigger(self._pool, request.account_id, request.trigger_id)
        window = await find_window(self._pool, trigger.trigger_id, request.window_id)
        return pb.GetWindowResponse(window=convert_trigger.window(window))

    async def FlushWindow(self, request: pb.FlushWindowRequest, context: Context) -> pb.FlushWindowResponse:
        """Closes the open window."""
        await self._require(context, request.account_id, rights.TRIGGERS_WRITE)
        window, execution_id = await self._configurer.flush(request.account_id, request.trigger_id)
        return pb.FlushWindowResponse(window=convert_trigger.window(window), execution_id=execution_id)

    async def ListCalls(self, request: pb.ListCallsRequest, context: Context) -> pb.ListCallsResponse:
        """Returns one page of a window's calls."""
        await self._require(context, request.account_id, rights.TRIGGERS_READ)
        trigger = await look_up.trigger(self._pool, request.account_id, request.trigger_id)
        found, next_page_token = await list_calls(
            self._pool,
            trigger.trigger_id,
            request.window_id,
            with_bodies=request.with_bodies,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListCallsResponse(calls=[convert_trigger.call(one) for one in found], next_page_token=next_page_token)

    async def _require(self, context: Context, account_id: int, permission_sets: frozenset[str]) -> Caller:
        caller = await self._callers.of(context)
        caller.require(account_id, permission_sets)
        return caller
