"""Triggers: secret URLs that turn calls into executions, moments, and schedules; their windows and the calls in them."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from runhook.connection import Connection
from runhook.paging import pages
from runhook.timestamps import duration_of, timestamp_of
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_pb2 import (
    CallRules,
    CronSchedule,
    DataMode,
    StoredCall,
    Trigger,
    TriggerKind,
    Verification,
    Window,
)
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceStub

if TYPE_CHECKING:
    from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceAsyncStub


class Triggers:
    """What starts a task or a plan: one webhook, or up to 15 moments and schedules, never both."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "TriggerServiceAsyncStub":
        return TriggerServiceStub(self._connection.channel)

    async def create(
        self,
        account_id: int,
        *,
        name: str,
        threshold: int,
        duration: timedelta,
        task_id: int = 0,
        plan_id: int = 0,
        data_mode: "DataMode.ValueType" = DataMode.DATA_MODE_STRING,
        verification: Verification | None = None,
        call_rules: CallRules | None = None,
    ) -> pb.CreateTriggerResponse:
        """Makes a webhook; the answer's `token` is the secret of its URL, `<public url>/t/<token>`.

        A window closes with its `threshold`-th call, or so long after its first one. AlreadyExists; FailedPrecondition.
        """
        webhook = Trigger(
            account_id=account_id,
            name=name,
            task_id=task_id,
            plan_id=plan_id,
            kind=TriggerKind.TRIGGER_KIND_WEBHOOK,
            threshold=threshold,
            duration=duration_of(duration),
            data_mode=data_mode,
            verification=verification,
            call_rules=call_rules,
        )
        return await self._create(webhook)

    async def create_once(
        self, account_id: int, *, name: str, at: datetime, task_id: int = 0, plan_id: int = 0
    ) -> Trigger:
        """Makes a trigger of one moment. ValueError for a time without a zone."""
        once = Trigger(account_id=account_id, name=name, task_id=task_id, plan_id=plan_id, start_time=timestamp_of(at))
        once.kind = TriggerKind.TRIGGER_KIND_ONCE
        return (await self._create(once)).trigger

    async def create_cron(
        self,
        account_id: int,
        *,
        name: str,
        expression: str,
        time_zone: str = "UTC",
        task_id: int = 0,
        plan_id: int = 0,
    ) -> Trigger:
        """Makes a schedule, such as "*/15 6-18 * * mon-fri" in "Europe/Berlin". InvalidInput."""
        schedule = CronSchedule(expression=expression, time_zone=time_zone)
        cron = Trigger(account_id=account_id, name=name, task_id=task_id, plan_id=plan_id, cron=schedule)
        cron.kind = TriggerKind.TRIGGER_KIND_CRON
        return (await self._create(cron)).trigger

    async def _create(self, trigger: Trigger) -> pb.CreateTriggerResponse:
        request = pb.CreateTriggerRequest(trigger=trigger)
        return await self._connection.call(self._stub.CreateTrigger, request, repeatable=False)

    async def get(self, account_id: int, trigger_id: str) -> pb.GetTriggerResponse:
        """One trigger with its newest window. NotFound."""
        request = pb.GetTriggerRequest(account_id=account_id, trigger_id=trigger_id)
        return await self._connection.call(self._stub.GetTrigger, request, repeatable=True)

    async def list(self, account_id: int, *, page_size: int = 0) -> AsyncIterator[Trigger]:
        """An account's, oldest first."""

        async def fetch(page_token: str) -> pb.ListTriggersResponse:
            request = pb.ListTriggersRequest(account_id=account_id, page_size=page_size, page_token=page_token)
            return await self._connection.call(self._stub.ListTriggers, request, repeatable=True)

        async for page in pages(fetch):
            for trigger in page.triggers:
                yield trigger

    async def update(self, trigger: Trigger) -> Trigger:
        """Replaces its configuration; kind and target stay, and its secrets unless there are new ones.

        An open window keeps the threshold and deadline that it was opened with; what is no longer enabled closes it.
        FailedPrecondition, "ETAG_MISMATCH", when it has changed since `trigger` was read: clear `etag` to insist.
        """
        request = pb.UpdateTriggerRequest(trigger=trigger)
        return (await self._connection.call(self._stub.UpdateTrigger, request, repeatable=not trigger.etag)).trigger

    async def delete(self, account_id: int, trigger_id: str, *, discard_open_window: bool = False) -> None:
        """Deletes it and its URL; its open window is executed, unless its calls are to be discarded. NotFound."""
        request = pb.DeleteTriggerRequest(
            account_id=account_id, trigger_id=trigger_id, discard_open_window=discard_open_window
        )
        await self._connection.call(self._stub.DeleteTrigger, request, repeatable=False)

    async def reveal(self, account_id: int, trigger_id: str) -> pb.RevealTriggerTokenResponse:
        """The secrets of a webhook's URL: `token`, and `old_token` while it still answers. It is noted who asked."""
        request = pb.RevealTriggerTokenRequest(account_id=account_id, trigger_id=trigger_id)
        return await self._connection.call(self._stub.RevealTriggerToken, request, repeatable=True)

    async def regenerate(self, account_id: int, trigger_id: str, *, grace: timedelta | None = None) -> str:
        """Makes a new URL and returns its token. The old one answers for the grace, up to 7 days; None: not at all."""
        request = pb.RegenerateTriggerTokenRequest(
            account_id=account_id, trigger_id=trigger_id, grace=duration_of(grace)
        )
        return (await self._connection.call(self._stub.RegenerateTriggerToken, request, repeatable=False)).token

    async def list_windows(self, account_id: int, trigger_id: str, *, page_size: int = 0) -> AsyncIterator[Window]:
        """A webhook's windows, newest first; the open one among them. NotFound."""

        async def fetch(page_token: str) -> pb.ListWindowsResponse:
            request = pb.ListWindowsRequest(
                account_id=account_id, trigger_id=trigger_id, page_size=page_size, page_token=page_token
            )
            return await self._connection.call(self._stub.ListWindows, request, repeatable=True)

        async for page in pages(fetch):
            for window in page.windows:
                yield window

    async def get_window(self, account_id: int, trigger_id: str, window_id: int) -> Window:
        """One window of a webhook. NotFound."""
        request = pb.GetWindowRequest(account_id=account_id, trigger_id=trigger_id, window_id=window_id)
        return (await self._connection.call(self._stub.GetWindow, request, repeatable=True)).window

    async def list_calls(
        self, account_id: int, trigger_id: str, window_id: int, *, with_bodies: bool = False, page_size: int = 0
    ) -> AsyncIterator[StoredCall]:
        """A window's calls in their order, with their bytes if asked for. NotFound."""

        async def fetch(page_token: str) -> pb.ListCallsResponse:
            request = pb.ListCallsRequest(
                account_id=account_id,
                trigger_id=trigger_id,
                window_id=window_id,
                with_bodies=with_bodies,
                page_size=page_size,
                page_token=page_token,
            )
            return await self._connection.call(self._stub.ListCalls, request, repeatable=True)

        async for page in pages(fetch):
            for call in page.calls:
                yield call

    async def flush(self, account_id: int, trigger_id: str) -> pb.FlushWindowResponse:
        """Closes the open window now: `execution_id` is what it set going. FailedPrecondition, "NO_OPEN_WINDOW"."""
        request = pb.FlushWindowRequest(account_id=account_id, trigger_id=trigger_id)
        return await self._connection.call(self._stub.FlushWindow, request, repeatable=False)
