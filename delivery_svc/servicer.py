"""The gRPC door of delivery_svc: parse, call one verb, convert. Invariant: who may not call learns and changes nothing."""

from typing import Any

import asyncpg
import grpc

from chassis import tracing
from chassis.caller import Callers
from chassis.errors import NotFound
from delivery_svc import convert, convert_erasure, convert_overview, convert_recovery, recent
from delivery_svc.engine import Engine
from delivery_svc.look_over import look_over
from delivery_svc.publish import trace
from delivery_svc.rights import ERASE, PUBLISH, READ, SEND
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1 import delivery_service_pb2_grpc as rpc

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["DeliveryService"].full_name
Context = grpc.aio.ServicerContext[Any, Any]


class DeliveryServicer(rpc.DeliveryServiceServicer):
    """See protos/runhook/delivery/v1/delivery_service.proto for what each call promises."""

    def __init__(self, pool: asyncpg.Pool, callers: Callers, engine: Engine) -> None:
        self._pool = pool
        self._callers = callers
        self._publisher = engine.publisher
        self._tester = engine.tester
        self._redeliverer = engine.redeliverer
        self._recoveries = engine.recoveries
        self._erasures = engine.erasures

    async def PublishEvents(self, request: pb.PublishEventsRequest, context: Context) -> pb.PublishEventsResponse:
        caller = await self._callers.of(context)
        for account_id in {event.account_id for event in request.events}:
            caller.require(account_id, PUBLISH)
        events = convert.new_events(request, operational=caller.is_service)
        span = tracing.current.get()
        if span is not None:
            trace(events, span)
        return pb.PublishEventsResponse(event_ids=await self._publisher.publish(events))

    async def SendTest(self, request: pb.SendTestRequest, context: Context) -> pb.SendTestResponse:
        await self._admit(context, request.account_id, SEND)
        report = await self._tester.send(request.account_id, request.subscription_id)
        return pb.SendTestResponse(
            event_id=report.event_id,
            status_code=report.exchange.status_code,
            error_message=report.exchange.detail,
        )

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, context: Context) -> pb.ListDeliveriesResponse:
        await self._admit(context, request.account_id, READ)
        account_id, subscription_id = request.account_id, request.subscription_id
        found = await recent.page(self._pool, account_id, subscription_id, convert.search(request))
        total = await recent.count(self._pool, account_id, subscription_id) if request.with_total_size else 0
        deliveries = [convert.delivery(one) for one in found.deliveries]
        return pb.ListDeliveriesResponse(deliveries=deliveries, next_page_token=found.next_page_token, total_size=total)

    async def GetDelivery(self, request: pb.GetDeliveryRequest, context: Context) -> pb.GetDeliveryResponse:
        await self._admit(context, request.account_id, READ)
        if request.delivery_id:
            shown, attempts = await recent.by_id(self._pool, request.account_id, request.delivery_id)
        else:
            shown, attempts = await recent.by_ends(
                self._pool, request.account_id, request.subscription_id, request.event_id
            )
        return pb.GetDeliveryResponse(
            delivery=convert.delivery(shown), attempts=[convert.attempt(row, shown) for row in attempts]
        )

    async def Redeliver(self, request: pb.RedeliverRequest, context: Context) -> pb.RedeliverResponse:
        await self._admit(context, request.account_id, SEND)
        shown = await self._redeliverer.redeliver(request.account_id, request.delivery_id)
        return pb.RedeliverResponse(delivery=convert.delivery(shown))

    async def StartRecovery(self, request: pb.StartRecoveryRequest, context: Context) -> pb.StartRecoveryResponse:
        await self._admit(context, request.recovery.account_id, SEND)
        wish = convert_recovery.new_recovery(request.recovery)
        if request.validate_only:
            found = await self._recoveries.would_find(wish)
            return pb.StartRecoveryResponse(recovery=convert_recovery.foreseen(wish, found))
        started = await self._recoveries.start(wish)
        return pb.StartRecoveryResponse(recovery=convert_recovery.recovery(started))

    async def GetRecovery(self, request: pb.GetRecoveryRequest, context: Context) -> pb.GetRecoveryResponse:
        await self._admit(context, request.account_id, READ)
        found = await self._recoveries.get(request.account_id, request.recovery_id)
        return pb.GetRecoveryResponse(recovery=convert_recovery.recovery(found))

    async def ListRecoveries(self, request: pb.ListRecoveriesRequest, context: Context) -> pb.ListRecoveriesResponse:
        await self._admit(context, request.account_id, READ)
        found = await self._recoveries.newest(request.account_id, request.subscription_id)
        return pb.ListRecoveriesResponse(recoveries=[convert_recovery.recovery(one) for one in found])

    async def CancelRecovery(self, request: pb.CancelRecoveryRequest, context: Context) -> pb.CancelRecoveryResponse:
        await self._admit(context, request.account_id, SEND)
        ended = await self._recoveries.cancel(request.account_id, request.recovery_id)
        return pb.CancelRecoveryResponse(recovery=convert_recovery.recovery(ended))

    async def StartErasure(self, request: pb.StartErasureRequest, context: Context) -> pb.StartErasureResponse:
        await self._admit(context, request.erasure.account_id, ERASE)
        started = await self._erasures.start(convert_erasure.new_erasure(request.erasure))
        return pb.StartErasureResponse(erasure=convert_erasure.erasure(started))

    async def GetErasure(self, request: pb.GetErasureRequest, context: Context) -> pb.GetErasureResponse:
        await self._admit(context, request.account_id, READ)
        found = await self._erasures.get(request.account_id, request.erasure_id)
        return pb.GetErasureResponse(erasure=convert_erasure.erasure(found))

    async def ListErasures(self, request: pb.ListErasuresRequest, context: Context) -> pb.ListErasuresResponse:
        await self._admit(context, request.account_id, READ)
        found = await self._erasures.newest(request.account_id)
        return pb.ListErasuresResponse(erasures=[convert_erasure.erasure(one) for one in found])

    async def GetOverview(self, request: pb.GetOverviewRequest, context: Context) -> pb.GetOverviewResponse:
        await self._admit(context, request.account_id, READ)
        taken = await look_over(self._pool, request.account_id)
        return pb.GetOverviewResponse(overview=convert_overview.overview(taken))

    async def _admit(self, context: Context, account_id: int, permission_sets: frozenset[str]) -> None:
        caller = await self._callers.of(context)
        if account_id <= 0:
            raise NotFound("ACCOUNT_NOT_FOUND", "there is no such account")
        caller.require(account_id, permission_sets)
