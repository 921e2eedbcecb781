"""A whole trigger_svc inside a test, seen through its gRPC door, with a peer that takes its events."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import asyncpg
import grpc
from google.protobuf.duration_pb2 import Duration

from chassis.channel import open_channel, service_metadata
from chassis.errors import BadField, InvalidInput
from chassis.process import Process
from runhook.delivery.v1 import delivery_service_pb2
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceServicer, add_DeliveryServiceServicer_to_server
from runhook.delivery.v1.event_pb2 import Event
from runhook.trigger.v1 import run_service_pb2 as run_pb
from runhook.trigger.v1 import task_pb2, trigger_pb2
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.run_pb2 import RunLease, RunOrder
from runhook.trigger.v1.run_service_pb2_grpc import RunServiceStub
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceStub
from tests.support.grpc_peer import serving
from tests.support.postgres import Database
from tests.support.service_process import free_port
from tests.support.trigger import ACCOUNT, KEY
from trigger_svc.__main__ import work
from trigger_svc.call import Call
from trigger_svc.settings import TriggerSettings
from trigger_svc.task import PAYLOAD

if TYPE_CHECKING:
    from runhook.trigger.v1.run_service_pb2_grpc import RunServiceAsyncStub
    from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceAsyncStub


CREDENTIAL = "the-service-credential-of-the-tests-0123456789"
METADATA = service_metadata(CREDENTIAL)


class DeliveryPeer(DeliveryServiceServicer):
    """Takes events as delivery_svc does: once per request id. `away` and `refused` make it refuse."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.events: dict[str, Event] = {}
        self.away = False
        self.refused: set[str] = set()
        self._news = asyncio.Condition()

    async def PublishEvents(
        self, request: delivery_service_pb2.PublishEventsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> delivery_service_pb2.PublishEventsResponse:
        """Remembers the events."""
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away, as the test says")
        bad = [event.request_id for event in request.events if event.request_id in self.refused]
        if bad:
            raise InvalidInput([BadField("events", f"{bad} are refused by the test")])
        async with self._news:
            self.batches.append(list(request.events))
            for event in request.events:
                assert self.events.setdefault(event.request_id, event) == event, "another event under the same id"
            self._news.notify_all()
        return delivery_service_pb2.PublishEventsResponse(event_ids=["wev_" + "0" * 27] * len(request.events))

    async def wait_for(self, *request_ids: str) -> list[Event]:
        """These events, once they have come."""
        async with self._news, asyncio.timeout(15):
            await self._news.wait_for(lambda: all(one in self.events for one in request_ids))
        return [self.events[one] for one in request_ids]

    def types_of(self, run_id: int) -> list[str]:
        """The types of a run's events in the order in which they came."""
        return [event.event_type for event in self.events.values() if event.job_run.run_id == run_id]


@dataclass(kw_only=True)
class Service:
    """A running trigger_svc, seen from outside, with the database behind it."""

    triggers: "TriggerServiceAsyncStub"
    runs: "RunServiceAsyncStub"
    delivery: DeliveryPeer
    pool: asyncpg.Pool
    process: Process
    target: str

    async def trigger(self, *, task: dict[str, Any] | None = None, **changes: Any) -> tuple[trigger_pb2.Trigger, str]:
        """Makes a task and its trigger; gives the trigger and its token."""
        made = await self.triggers.CreateTask(
            pb.CreateTaskRequest(task=task_message(**(task or {}))), metadata=METADATA
        )
        wanted = trigger_message(task_id=made.task.task_id, **changes)
        answer = await self.triggers.CreateTrigger(pb.CreateTriggerRequest(trigger=wanted), metadata=METADATA)
        return answer.trigger, answer.token

    async def receive(self, *calls: Call) -> list[pb.ReceiveCallsResponse]:
        """Sends calls over one stream; their answers in the calls' order."""
        stream = self.triggers.ReceiveCalls(metadata=METADATA)
        for number, one in enumerate(calls):
            message = trigger_pb2.Call(
                token=one.token,
                media_type=one.media_type,
                body=one.body,
                headers=[trigger_pb2.Header(name=name, value=value) for name, value in one.headers.items()],
                method=one.method,
            )
            await stream.write(pb.ReceiveCallsRequest(call_number=number, call=message))
        await stream.done_writing()
        answers = {one.call_number: one async for answer in stream for one in (answer, *answer.more)}
        return [answers[number] for number in range(len(calls))]

    async def payload(self, lease: RunLease) -> bytes:
        """The whole payload of a run."""
        request = run_pb.GetRunPayloadRequest(lease=lease)
        return b"".join([part.chunk async for part in self.runs.GetRunPayload(request, metadata=METADATA)])

    async def start(self, lease: RunLease) -> RunOrder:
        """Starts a run."""
        return (await self.runs.StartRun(run_pb.StartRunRequest(lease=lease), metadata=METADATA)).order

    async def append(self, lease: RunLease, chunk: bytes, offset: int = 0) -> int:
        """Appends to a run's log; how long it is."""
        request = run_pb.AppendRunLogRequest(lease=lease, offset=offset, chunk=chunk)
        return (await self.runs.AppendRunLog(request, metadata=METADATA)).log_bytes

    async def finish(self, lease: RunLease, exit_code: int = 0, message: str = "") -> None:
        """Ends a run; a code that is not 0 as command_failed."""
        reason = "command_failed" if exit_code else ""
        await self.runs.FinishRun(
            run_pb.FinishRunRequest(lease=lease, exit_code=exit_code, reason=reason, message=message), metadata=METADATA
        )

    async def store(self, lease: RunLease, **artifacts: bytes) -> int:
        """Stores artifacts, each in two chunks; how many there were."""

        async def pieces() -> AsyncIterator[run_pb.StoreArtifactsRequest]:
            yield run_pb.StoreArtifactsRequest(lease=lease)
            for name, content in artifacts.items():
                yield run_pb.StoreArtifactsRequest(name=name, chunk=content[:5])
                yield run_pb.StoreArtifactsRequest(chunk=content[5:])

        return (await self.runs.StoreArtifacts(pieces(), metadata=METADATA)).artifact_count

    @asynccontextmanager
    async def runner(
        self, slots: int = 10, *, commands: Sequence[str] = ("dbt_build",), metadata: Any = METADATA
    ) -> AsyncIterator["ConnectedRunner"]:
        """A connected runner with so many slots."""
        stream = self.runs.AcquireRuns(metadata=metadata)
        runner = ConnectedRunner(stream)
        await stream.write(run_pb.AcquireRunsRequest(runner_name="test", commands=commands, free_slots=slots))
        try:
            yield runner
        finally:
            stream.cancel()


def delivery_peer() -> DeliveryPeer:
    """A peer for an announcer, which calls PublishEvents alone: whatever else the service has is not there."""
    made: DeliveryPeer = cast(Any, DeliveryPeer)()
    return made


class ConnectedRunner:
    """A runner's end of an AcquireRuns stream."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def take(self, *, seconds: float = 10.0) -> RunLease:
        """The next run that it is handed."""
        async with asyncio.timeout(seconds):
            answer: run_pb.AcquireRunsResponse = await self._stream.read()
        return answer.lease

    async def has_nothing(self, *, seconds: float = 0.8) -> bool:
        """Whether it is handed nothing for so long. Its stream is over then."""
        try:
            await self.take(seconds=seconds)
        except TimeoutError:
            return True
        return False

    async def say(self, slots: int) -> None:
        """Tells how many more runs it can take."""
        await self._stream.write(run_pb.AcquireRunsRequest(free_slots=slots))


def task_message(**changes: Any) -> task_pb2.Task:
    """A good task on the wire that a webhook may start."""
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "name": "Load orders",
        "command": "dbt_build",
        "parameters": [task_pb2.ContextParameter(name=PAYLOAD)],
    }
    return task_pb2.Task(**(values | changes))


def trigger_message(*, seconds: float = 60, **changes: Any) -> trigger_pb2.Trigger:
    """A good trigger on the wire; `task_id` must be given."""
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    values: dict[str, Any] = {"account_id": ACCOUNT, "name": "orders", "threshold": 2, "duration": duration}
    return trigger_pb2.Trigger(**(values | changes))


def secret_files(directory: Path) -> dict[str, str]:
    """Settings that point to a key ring and a service credential."""
    (directory / "key-ring").write_text(f"test:{base64.b64encode(KEY).decode()}\n")
    (directory / "credential").write_text(CREDENTIAL)
    return {
        "KEY_RING_FILE": str(directory / "key-ring"),
        "SERVICE_CREDENTIAL_FILE": str(directory / "credential"),
    }


@asynccontextmanager
async def service(database: Database, directory: Path, **settings: object) -> AsyncIterator[Service]:
    """trigger_svc as its own __main__ wires it, in this process, with a delivery peer; drained at the end."""
    delivery = delivery_peer()
    target = f"127.0.0.1:{free_port()}"
    async with AsyncExitStack() as stack:
        delivery_target = await stack.enter_async_context(
            serving(lambda server: add_DeliveryServiceServicer_to_server(delivery, server))
        )
        values = secret_files(directory) | {
            "DATABASE_URL": database.trigger_url,
            "GRPC_ADDRESS": target,
            "DELIVERY_SVC": delivery_target,
        }
        values |= {name: str(value) for name, value in settings.items()}
        loaded = TriggerSettings.load({f"RUNHOOK_{name}": value for name, value in values.items()})
        process = Process("trigger_svc", grace=5)
        rooms = await stack.enter_async_context(AsyncExitStack())
        working = asyncio.create_task(work(loaded, process, rooms))
        channel = await stack.enter_async_context(open_channel(target))
        pool = await stack.enter_async_context(asyncpg.create_pool(database.owner_url, min_size=1, max_size=2))
        await asyncio.wait_for(channel.channel_ready(), 15)
        try:
            yield Service(
                triggers=TriggerServiceStub(channel),
                runs=RunServiceStub(channel),
                delivery=delivery,
                pool=pool,
                process=process,
                target=target,
            )
        finally:
            process.draining.set()
            await asyncio.wait_for(working, 20)
