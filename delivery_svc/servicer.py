"""The gRPC door of delivery_svc: parse, call one verb, convert."""

from typing import Any

import grpc

from chassis.caller import Callers
from delivery_svc.convert import new_events
from delivery_svc.publish import Publisher
from delivery_svc.rights import PUBLISH
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1 import delivery_service_pb2_grpc as rpc

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["DeliveryService"].full_name


class DeliveryServicer(rpc.DeliveryServiceServicer):
    """See protos/runhook/delivery/v1/delivery_service.proto for what each call promises."""

    def __init__(self, callers: Callers, publisher: Publisher) -> None:
        self._callers = callers
        self._publisher = publisher

    async def PublishEvents(
        self, request: pb.PublishEventsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.PublishEventsResponse:
        caller = await self._callers.of(context)
        for account_id in {event.account_id for event in request.events}:
            caller.require(account_id, PUBLISH)
        event_ids = await self._publisher.publish(new_events(request))
        return pb.PublishEventsResponse(event_ids=event_ids)
