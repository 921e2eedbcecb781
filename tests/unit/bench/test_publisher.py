"""The publisher against a real gRPC server and a real receiver: what it logs is what was acknowledged."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from bench import programs
from bench.payload import Load
from bench.product import Product
from runhook.delivery.v1 import delivery_service_pb2_grpc
from runhook.delivery.v1.delivery_service_pb2 import PublishEventsRequest, PublishEventsResponse
from runhook.delivery.v1.event_pb2 import Event

LOAD = Load(account_id=7, first_job_id=1_000, endpoints=10, prefix="t")


@dataclass
class Door(delivery_service_pb2_grpc.DeliveryServiceServicer):
    """Takes events in and delivers none; refuses the first calls if told to."""

    refusals: int = 0
    answer: grpc.StatusCode | None = None
    tokens: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def PublishEvents(
        self,
        request: PublishEventsRequest,
        context: "grpc.aio.ServicerContext[PublishEventsRequest, PublishEventsResponse]",
    ) -> PublishEventsResponse:
        self.tokens.update(str(value) for key, value in context.invocation_metadata() or () if key == "authorization")
        if self.refusals > 0:
            self.refusals -= 1
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "the waiting line is full")
        if self.answer:
            await context.abort(self.answer, "no")
        first = len(self.events)
        self.events.extend(request.events)
        self.called.set()
        return PublishEventsResponse(event_ids=[f"wev_{number}" for number in range(first, len(self.events))])


@contextlib.asynccontextmanager
async def product(door: Door) -> AsyncIterator[Product]:
    server = grpc.aio.server()
    delivery_service_pb2_grpc.add_DeliveryServiceServicer_to_server(door, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield Product(
            gateway_url="",
            delivery_address=f"127.0.0.1:{port}",
            metrics={},
            account_id=7,
            token="secret",
            database_url="",
        )
    finally:
        await server.stop(None)


async def until_quiet(door: Door) -> None:
    """Returns when no call has come for a second; the first takes as long as Python takes to start."""
    with contextlib.suppress(TimeoutError):
        while True:
            await asyncio.wait_for(door.called.wait(), 1 if door.events else 15)
            door.called.clear()


async def test_saturating_it_stops_at_the_backlog_while_nothing_is_received(tmp_path: Path) -> None:
    door = Door()  # type: ignore[abstract]  # one call is enough here
    async with (
        product(door) as platform,
        programs.receiver(10) as receiver,
        programs.publisher(platform, LOAD, receiver.control_url, tmp_path / "ids") as publishing,
    ):
        await until_quiet(door)
        summary = await publishing.finish()
    assert summary["published"] == len(door.events) == 6_000
    assert door.tokens == {"Bearer secret"}
    acknowledged = {(event.job_run.job_id - 1_000, f"wev_{number}") for number, event in enumerate(door.events)}
    assert publishing.acknowledged() == acknowledged


async def test_at_a_fixed_rate_it_publishes_that_many_and_ends_by_itself(tmp_path: Path) -> None:
    door = Door()  # type: ignore[abstract]
    async with (
        product(door) as platform,
        programs.receiver(10) as receiver,
        programs.publisher(
            platform, LOAD, receiver.control_url, tmp_path / "ids", rate=400, batch=10, seconds=1
        ) as publishing,
    ):
        summary = await publishing.finish(15, now=False)
    assert 300 <= summary["published"] <= 420
    assert summary["ack_p50_ms"] > 0
    assert summary["late_p99_ms"] is not None


async def test_a_batch_refused_for_want_of_room_is_published_again_with_the_same_request_ids(tmp_path: Path) -> None:
    door = Door(refusals=3)  # type: ignore[abstract]
    async with (
        product(door) as platform,
        programs.receiver(10) as receiver,
        programs.publisher(
            platform, LOAD, receiver.control_url, tmp_path / "ids", rate=200, batch=10, seconds=0.5
        ) as publishing,
    ):
        summary = await publishing.finish(15, now=False)
    assert summary["refused_calls"] == 3
    numbers = sorted(int(event.request_id.removeprefix("t-")) for event in door.events)
    assert numbers == list(range(summary["published"]))


async def test_a_call_that_fails_ends_it_with_the_reason(tmp_path: Path) -> None:
    async with (
        product(Door(answer=grpc.StatusCode.UNAUTHENTICATED)) as platform,  # type: ignore[abstract]
        programs.receiver(10) as receiver,
        programs.publisher(platform, LOAD, receiver.control_url, tmp_path / "ids") as publishing,
    ):
        with pytest.raises(programs.ProgramError, match="UNAUTHENTICATED: no"):
            await publishing.finish(15, now=False)


async def test_until_away_it_ends_well_with_what_was_acknowledged_before(tmp_path: Path) -> None:
    door = Door()  # type: ignore[abstract]
    async with (
        product(door) as platform,
        programs.receiver(10) as receiver,
        programs.publisher(
            platform, LOAD, receiver.control_url, tmp_path / "ids", rate=200, batch=10, until_away=True
        ) as publishing,
    ):
        await door.called.wait()
        door.answer = grpc.StatusCode.UNAVAILABLE
        summary = await publishing.finish(15, now=False)
    assert summary["published"] == len(door.events) == len(publishing.acknowledged()) > 0
