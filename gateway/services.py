"""The three services behind the gateway: a channel each, one way to ask.

Invariant: no call lacks a deadline, and what is sent once more when a pod is away only reads.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from typing import Any, Protocol, TypeVar

import grpc
from google.protobuf.descriptor import FileDescriptor

from chassis.channel import open_channel
from chassis.identity import identity_of
from chassis.status import Refusal, refusal_of
from gateway.bearer import Metadata
from gateway.http_errors import http_error_of
from gateway.settings import GatewaySettings
from runhook.delivery.v1 import delivery_service_pb2
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from runhook.subscription.v1 import account_service_pb2, subscription_service_pb2
from runhook.subscription.v1.account_service_pb2_grpc import AccountServiceStub
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from runhook.trigger.v1 import trigger_service_pb2
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceStub

Request = TypeVar("Request", contravariant=True)
Answer = TypeVar("Answer", covariant=True)


class Method(Protocol[Request, Answer]):
    """One unary rpc of a stub."""

    def __call__(self, request: Request, /, *, timeout: float, metadata: Metadata) -> Awaitable[Answer]:
        """Calls it."""


class StreamMethod(Protocol[Request, Answer]):
    """One rpc of a stub that answers with a stream."""

    def __call__(self, request: Request, /, *, timeout: float, metadata: Metadata) -> Any:
        """Calls it."""


#: A whole stream of answers, read by whoever asked for it at the pace that is theirs.
STREAM_SECONDS = 600.0


class Services:
    """Stubs by what they keep; made inside the running loop, closed by their owner."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._seconds = settings.gateway_answer_seconds
        identity = identity_of(settings)
        called = (
            (settings.subscription_svc, (subscription_service_pb2.DESCRIPTOR, account_service_pb2.DESCRIPTOR)),
            (settings.delivery_svc, (delivery_service_pb2.DESCRIPTOR,)),
            (settings.trigger_svc, (trigger_service_pb2.DESCRIPTOR,)),
        )
        self._channels = [open_channel(target, identity, reads=reads_of(*files)) for target, files in called]
        self.subscriptions = SubscriptionServiceStub(self._channels[0])
        self.accounts = AccountServiceStub(self._channels[0])
        self.deliveries = DeliveryServiceStub(self._channels[1])
        self.triggers = TriggerServiceStub(self._channels[2])

    async def ask(self, method: Method[Request, Answer], request: Request, metadata: Metadata) -> Answer:
        """One answer of a service. HttpError when it refuses, is away or too slow."""
        try:
            return await method(request, timeout=self._seconds, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise http_error_of(refusal_of(error)) from error

    async def stream(
        self, method: StreamMethod[Request, Answer], request: Request, metadata: Metadata
    ) -> AsyncGenerator[Answer, None]:
        """The answers of a service as they come; the first, or that there is none, is here when this returns.

        HttpError when it refuses, is away or too slow; further on, where the stream breaks.
        """
        call = method(request, timeout=STREAM_SECONDS, metadata=metadata)
        try:
            async with asyncio.timeout(self._seconds):
                first = await call.read()
        except grpc.aio.AioRpcError as error:
            raise http_error_of(refusal_of(error)) from error
        except TimeoutError as error:
            call.cancel()
            raise http_error_of(Refusal(code=grpc.StatusCode.DEADLINE_EXCEEDED, message="")) from error
        return _rest(first, call)

    async def close(self) -> None:
        """Ends the channels."""
        for channel in self._channels:
            await channel.close()


def reads_of(*files: FileDescriptor) -> list[str]:
    """The methods that change nothing: their names say so."""
    services = [service for file in files for service in file.services_by_name.values()]
    methods = [method for service in services for method in service.methods]
    return [
        f"/{method.containing_service.full_name}/{method.name}"
        for method in methods
        if method.name.startswith(("Get", "List"))
    ]


async def _rest(first: Any, call: Any) -> AsyncGenerator[Any, None]:
    answer = first
    try:
        while answer is not grpc.aio.EOF:
            yield answer
            answer = await call.read()
    except grpc.aio.AioRpcError as error:
        raise http_error_of(refusal_of(error)) from error
    finally:
        call.cancel()


def patient(method: Method[Request, Answer], seconds: float) -> Method[Request, Answer]:
    """The same rpc with `seconds` to answer in, whatever the usual time is."""

    def call(request: Any, /, *, timeout: float, metadata: Metadata) -> Awaitable[Any]:
        return method(request, timeout=seconds, metadata=metadata)

    return call
