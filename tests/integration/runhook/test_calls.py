"""How a call ends: repetitions, deadlines and errors, against a real gRPC server that refuses as a test tells it to."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import pytest

import chassis.errors
from chassis.errors import BadField, DomainError, InvalidInput, ResourceExhausted, Unavailable
from runhook import Client, RetryPolicy, errors
from runhook.delivery.v1 import delivery_service_pb2 as delivery_pb
from runhook.delivery.v1.delivery_service_pb2_grpc import (
    DeliveryServiceServicer,
    add_DeliveryServiceServicer_to_server,
)
from runhook.messages import Event, Subscription
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_service_pb2_grpc import (
    SubscriptionServiceServicer,
    add_SubscriptionServiceServicer_to_server,
)
from tests.support.grpc_peer import serving
from tests.support.service_process import free_port

Context = grpc.aio.ServicerContext[Any, Any]
AWAY = Unavailable("DATABASE_UNAVAILABLE", "the database is away: call again")
ENDLESS = 1_000_000


class Script:
    """What the server does: raises the error so many times, then answers. Counts calls, keeps what came."""

    def __init__(self, error: DomainError | None = None, times: int = ENDLESS) -> None:
        self.calls = 0
        self.metadata: dict[str, str | bytes] = {}
        self.published: list[list[Event]] = []
        self._error = error
        self._times = times

    def step(self, context: Context) -> None:
        """One call."""
        self.calls += 1
        self.metadata = dict(context.invocation_metadata() or ())
        if self._error is not None and self.calls <= self._times:
            raise self._error


class Subscriptions(SubscriptionServiceServicer):
    """Two of its calls: one that may be repeated, one that may not."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def GetSubscription(self, request: pb.GetSubscriptionRequest, context: Context) -> pb.GetSubscriptionResponse:
        """Echoes the id; "slow" is never answered."""
        self._script.step(context)
        if request.subscription_id == "slow":
            await asyncio.Event().wait()
        return pb.GetSubscriptionResponse(subscription=Subscription(subscription_id=request.subscription_id))

    async def CreateSubscription(
        self, request: pb.CreateSubscriptionRequest, context: Context
    ) -> pb.CreateSubscriptionResponse:
        """Echoes what is wanted."""
        self._script.step(context)
        return pb.CreateSubscriptionResponse(subscription=request.subscription)


class Deliveries(DeliveryServiceServicer):
    """Takes events."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def PublishEvents(
        self, request: delivery_pb.PublishEventsRequest, context: Context
    ) -> delivery_pb.PublishEventsResponse:
        """Keeps them, whatever it answers: the outcome is unknown to the caller."""
        self._script.published.append(list(request.events))
        self._script.step(context)
        return delivery_pb.PublishEventsResponse(event_ids=[one.request_id for one in request.events])


@asynccontextmanager
async def client_of(script: Script, **options: Any) -> AsyncIterator[Client]:
    """A client with quick retries of a server that does what the script says."""

    def add(server: grpc.aio.Server) -> None:
        add_SubscriptionServiceServicer_to_server(cast(Any, Subscriptions)(script), server)
        add_DeliveryServiceServicer_to_server(cast(Any, Deliveries)(script), server)

    options.setdefault("retry", RetryPolicy(first_delay=0.01, longest_delay=0.02))
    options.setdefault("token", "t")
    async with serving(add) as target, Client(target, **options) as client:
        yield client


async def create(client: Client) -> object:
    """Makes some subscription."""
    return await client.subscriptions.create(1, name="a", client_url="https://x", event_types=["job.run.completed"])


async def test_a_read_is_repeated_until_it_is_answered() -> None:
    script = Script(AWAY, times=3)
    async with client_of(script) as client:
        assert (await client.subscriptions.get(1, "wsu_1")).subscription_id == "wsu_1"
    assert script.calls == 4


async def test_a_pod_that_ended_with_a_publish_in_hand_is_called_again() -> None:
    """Seen under load: a pod whose grace period ends while Postgres is away says CANCELLED."""
    calls: list[int] = []

    class Ended(DeliveryServiceServicer):
        async def PublishEvents(
            self, request: delivery_pb.PublishEventsRequest, context: Context
        ) -> delivery_pb.PublishEventsResponse:
            calls.append(len(request.events))
            if len(calls) == 1:
                await context.abort(grpc.StatusCode.CANCELLED, "Cancelling all calls")
            return delivery_pb.PublishEventsResponse(event_ids=["wev_1"])

    def add(server: grpc.aio.Server) -> None:
        add_DeliveryServiceServicer_to_server(cast(Any, Ended)(), server)

    retry = RetryPolicy(first_delay=0.01, longest_delay=0.02)
    async with serving(add) as target, Client(target, token="t", retry=retry) as client:
        assert await client.events.publish([Event(request_id="one")]) == ["wev_1"]
    assert calls == [1, 1]


async def test_what_makes_something_new_is_called_once() -> None:
    script = Script(AWAY)
    async with client_of(script) as client:
        with pytest.raises(errors.Unavailable):
            await create(client)
    assert script.calls == 1


async def test_without_a_retry_policy_nothing_is_repeated() -> None:
    script = Script(AWAY)
    async with client_of(script, retry=None) as client:
        with pytest.raises(errors.Unavailable):
            await client.subscriptions.get(1, "wsu_1")
    assert script.calls == 1


async def test_repeating_ends_with_the_deadline_and_the_last_error() -> None:
    script = Script(AWAY)
    async with client_of(script) as client:
        began = time.monotonic()
        with pytest.raises(errors.Unavailable) as caught:
            await client.within(3.0).subscriptions.get(1, "wsu_1")
        assert time.monotonic() - began < 8
    assert caught.value.reason == "DATABASE_UNAVAILABLE"
    assert script.calls > 2


async def test_a_wait_that_the_service_asks_for_is_kept() -> None:
    script = Script(ResourceExhausted("WAITING_LINE_FULL", "the line is full", retry_after=0.4), times=1)
    async with client_of(script) as client:
        began = time.monotonic()
        await client.subscriptions.get(1, "wsu_1")
        assert time.monotonic() - began >= 0.4
    assert script.calls == 2


async def test_a_wait_beyond_the_deadline_is_the_callers_to_make() -> None:
    script = Script(ResourceExhausted("WAITING_LINE_FULL", "the line is full", retry_after=60))
    async with client_of(script) as client:
        with pytest.raises(errors.ResourceExhausted) as caught:
            await client.subscriptions.get(1, "wsu_1")
    assert caught.value.retry_after == 60
    assert script.calls == 1


async def test_a_repeated_publish_carries_the_same_request_ids() -> None:
    script = Script(AWAY, times=2)
    events = [Event(account_id=1, request_id="mine"), Event(account_id=1)]
    async with client_of(script) as client:
        answered = await client.events.publish(events)
    sent = [[event.request_id for event in batch] for batch in script.published]
    assert sent == [list(answered)] * 3
    assert answered[0] == "mine"
    assert len(answered[1]) == 32
    assert events[1].request_id == answered[1], "so that the caller can publish the same messages again"


async def test_a_call_that_is_not_answered_ends_in_time() -> None:
    script = Script()
    async with client_of(script, timeout=0.3) as client:
        began = time.monotonic()
        with pytest.raises(errors.DeadlineExceeded) as caught:
            await client.subscriptions.get(1, "slow")
        assert 0.2 < time.monotonic() - began < 5
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert script.calls == 1


async def test_a_cancelled_call_ends_at_once() -> None:
    script = Script()
    async with client_of(script) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.subscriptions.get(1, "slow")


async def test_every_bad_field_comes_with_the_error() -> None:
    bad = [BadField("subscription.name", "is required"), BadField("subscription.client_url", "must be an URL: “x”")]
    async with client_of(Script(InvalidInput(bad))) as client:
        with pytest.raises(errors.InvalidInput) as caught:
            await create(client)
    assert caught.value.fields == tuple((one.field, one.message) for one in bad)
    assert (caught.value.code, caught.value.reason) == ("INVALID_ARGUMENT", "INVALID_INPUT")
    assert "is required" in str(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        errors.Unauthenticated,
        errors.PermissionDenied,
        errors.NotFound,
        errors.AlreadyExists,
        errors.FailedPrecondition,
        errors.ResourceExhausted,
    ],
)
async def test_every_kind_of_error_has_a_class_of_its_own(kind: type[errors.RunhookError]) -> None:
    raised = getattr(chassis.errors, kind.__name__)("SOME_REASON", "a sentence", metadata={"fact": "1"})
    async with client_of(Script(raised)) as client:
        with pytest.raises(kind) as caught:
            await client.subscriptions.get(1, "wsu_1")
    assert (caught.value.reason, caught.value.message) == ("SOME_REASON", "a sentence")
    assert caught.value.metadata == {"fact": "1"}
    assert isinstance(caught.value.__cause__, grpc.aio.AioRpcError)


async def test_what_the_server_does_not_know_is_a_plain_error() -> None:
    async with client_of(Script()) as client:
        with pytest.raises(errors.RunhookError) as caught:
            await client.accounts.revoke_token(1, 1)
    assert (type(caught.value), caught.value.code) == (errors.RunhookError, "UNIMPLEMENTED")


@pytest.mark.parametrize(
    ("credential", "shown"),
    [
        ({"token": "rhk_abc\n"}, ("authorization", "Bearer rhk_abc")),
        ({"service_credential": "abc"}, ("x-runhook-service-credential", "abc")),
    ],
)
async def test_a_call_shows_who_calls_and_with_what(credential: dict[str, str], shown: tuple[str, str]) -> None:
    script = Script()
    async with client_of(script, **({"token": None} | credential)) as client:
        await client.subscriptions.get(1, "wsu_1")
    assert shown in script.metadata.items()
    assert not {"authorization", "x-runhook-service-credential"} - {shown[0]} & script.metadata.keys()
    assert str(script.metadata["user-agent"]).startswith("runhook-python/")


async def test_a_server_that_comes_up_late_is_found() -> None:
    script, port = Script(), free_port()

    def add(server: grpc.aio.Server) -> None:
        add_SubscriptionServiceServicer_to_server(cast(Any, Subscriptions)(script), server)

    async with Client(f"127.0.0.1:{port}", token="t") as client:
        with pytest.raises(errors.Unavailable):
            await client.within(0.3).subscriptions.get(1, "wsu_1")
        waiting = asyncio.create_task(client.within(20).subscriptions.get(1, "wsu_1"))
        async with serving(add, f"127.0.0.1:{port}"):
            assert (await waiting).subscription_id == "wsu_1"


async def test_details_that_nobody_can_read_are_passed_over() -> None:
    async def garbage(request: bytes, context: Context) -> bytes:
        context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\xff not a status"),))
        await context.abort(grpc.StatusCode.NOT_FOUND, "a sentence")

    class Garbage(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
            return grpc.unary_unary_rpc_method_handler(cast(Any, garbage))

    def add(server: grpc.aio.Server) -> None:
        server.add_generic_rpc_handlers((Garbage(),))

    async with serving(add) as target, Client(target, token="t") as client:
        with pytest.raises(errors.NotFound) as caught:
            await client.subscriptions.get(1, "wsu_1")
    assert (caught.value.message, caught.value.reason, caught.value.fields) == ("a sentence", "", ())
