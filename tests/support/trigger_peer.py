"""A peer of the gateway that speaks TriggerService over real gRPC, does as a test says and remembers what it saw."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.caller import CREDENTIAL_KEY
from chassis.errors import BadField, InvalidInput, NotFound, Unauthenticated
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.execution_pb2 import Execution, ExecutionState
from runhook.trigger.v1.run_pb2 import Run, RunState
from runhook.trigger.v1.trigger_pb2 import Call, Trigger, Window, WindowState
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceServicer, add_TriggerServiceServicer_to_server
from tests.support.grpc_peer import serving

CREDENTIAL = "the-service-credential-of-the-tests-0123456789"
CALL_ID = "cal_" + "0" * 27
EXECUTION_ID = "exe_" + "0" * 27
TRIGGER_ID = "trg_" + "0" * 27
TOKEN = "T" * 43
Context = grpc.aio.ServicerContext[Any, Any]


class TriggerPeer(TriggerServiceServicer):
    """Accepts every call at once, unless a field says otherwise."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.metadata: list[dict[str, str]] = []
        self.refusals: dict[str, pb.CallRefused] = {}
        self.acceptances: dict[str, pb.CallAccepted] = {}
        self.silent = False
        self.arrived = asyncio.Event()
        self.held = asyncio.Event()
        self.held.set()
        self.breaking = False
        self.leaving = 0
        self.requests: list[Any] = []

    async def ReceiveCalls(
        self, requests: AsyncIterator[pb.ReceiveCallsRequest], context: Context
    ) -> AsyncIterator[pb.ReceiveCallsResponse]:
        """Answers each call at once, as the test says."""
        self.metadata.append({key: str(value) for key, value in context.invocation_metadata() or ()})
        if self.metadata[-1].get(CREDENTIAL_KEY) != CREDENTIAL:
            raise Unauthenticated("CREDENTIAL_UNKNOWN", "who are you")
        await context.send_initial_metadata(())
        async for message in requests:
            if self.leaving:  # ends the stream in good order without having read this one
                self.leaving -= 1
                return
            asked = [request for request in (message, *message.more) if not self._is_probe(request.call)]
            self.calls += [request.call for request in asked]
            self.arrived.set()
            await self.held.wait()
            if self.breaking:
                raise RuntimeError("broken by the test")
            if self.silent:
                continue
            first, *further = [self._answer(request) for request in (message, *message.more)]
            first.more.extend(further)
            yield first

    def _answer(self, request: pb.ReceiveCallsRequest) -> pb.ReceiveCallsResponse:
        answer = pb.ReceiveCallsResponse(call_number=request.call_number)
        if request.call.token in self.refusals:
            answer.refused.CopyFrom(self.refusals[request.call.token])
        elif request.call.token in self.acceptances:
            answer.accepted.CopyFrom(self.acceptances[request.call.token])
        elif request.call.method != "POST":
            answer.refused.CopyFrom(pb.CallRefused(code=12, reason="METHOD_NOT_ALLOWED", message="takes POST"))
        else:
            answer.accepted.call_id = CALL_ID
        return answer

    @staticmethod
    def _is_probe(call: Call) -> bool:
        return call.method == "HEAD" and not call.headers

    async def CreateTask(self, request: pb.CreateTaskRequest, context: Context) -> pb.CreateTaskResponse:
        """Gives it number 7. A task without a name breaks two rules."""
        self._saw(request, context)
        if not request.task.name:
            raise InvalidInput([BadField("task.name", "is required"), BadField("task.timeout", "is too long")])
        request.task.task_id = 7
        request.task.create_time.CopyFrom(moment(1))
        return pb.CreateTaskResponse(task=request.task)

    async def GetTask(self, request: pb.GetTaskRequest, context: Context) -> pb.GetTaskResponse:
        """Knows none."""
        self._saw(request, context)
        raise NotFound("TASK_NOT_FOUND", "the account has no such task")

    async def CreateTrigger(self, request: pb.CreateTriggerRequest, context: Context) -> pb.CreateTriggerResponse:
        """Gives it an id and a token. A trigger without a task breaks two rules."""
        self._saw(request, context)
        if not request.trigger.task_id:
            raise InvalidInput(
                [BadField("trigger.task_id", "is required"), BadField("trigger.duration", "is too short")]
            )
        request.trigger.trigger_id = TRIGGER_ID
        return pb.CreateTriggerResponse(trigger=request.trigger, token=TOKEN)

    async def GetTrigger(self, request: pb.GetTriggerRequest, context: Context) -> pb.GetTriggerResponse:
        """Has an open window."""
        self._saw(request, context)
        window = Window(window_id=3, state=WindowState.WINDOW_STATE_OPEN, size=1, threshold=2, open_time=moment(1))
        return pb.GetTriggerResponse(trigger=Trigger(trigger_id=request.trigger_id, name="t"), newest_window=window)

    async def GetExecution(self, request: pb.GetExecutionRequest, context: Context) -> pb.GetExecutionResponse:
        """An execution with one run."""
        self._saw(request, context)
        return pb.GetExecutionResponse(execution=an_execution())

    async def ListExecutions(self, request: pb.ListExecutionsRequest, context: Context) -> pb.ListExecutionsResponse:
        """One page."""
        self._saw(request, context)
        return pb.ListExecutionsResponse(executions=[an_execution()], next_page_token="next")

    async def StartExecution(self, request: pb.StartExecutionRequest, context: Context) -> pb.StartExecutionResponse:
        """The same one. A wish for nothing breaks two rules."""
        self._saw(request, context)
        if not request.task_id and not request.plan_id:
            raise InvalidInput([BadField("task_id", "is required"), BadField("reason", "is too long")])
        return pb.StartExecutionResponse(execution=an_execution())

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> pb.GetRunResponse:
        """A failed run; there is none with number 0."""
        self._saw(request, context)
        if not request.run_id:
            raise NotFound("RUN_NOT_FOUND", "the account has no run 0")
        return pb.GetRunResponse(run=a_run())

    def _saw(self, request: Any, context: Context) -> None:
        self.requests.append(request)
        self.metadata.append({key: str(value) for key, value in context.invocation_metadata() or ()})


def moment(seconds: int) -> Timestamp:
    """Seconds into 1970."""
    return Timestamp(seconds=seconds)


def a_run() -> Run:
    """A failed run with all that a run can have."""
    return Run(
        run_id=2**63 - 1,
        account_id=4711,
        task_id=7,
        execution_id=EXECUTION_ID,
        state=RunState.RUN_STATE_FAILED,
        reason="command_failed",
        message="1 of 3 models failed",
        exit_code=1,
        create_time=moment(1),
        start_time=moment(2),
        finish_time=moment(3),
        artifact_names=["run_results.json"],
    )


def an_execution() -> Execution:
    """An execution that runs."""
    return Execution(
        execution_id=EXECUTION_ID,
        account_id=4711,
        task_id=7,
        trigger_id=TRIGGER_ID,
        window_id=3,
        state=ExecutionState.EXECUTION_STATE_RUNNING,
        call_count=2,
        runs=[a_run()],
        create_time=moment(1),
    )


@asynccontextmanager
async def trigger_peer() -> AsyncIterator[tuple[TriggerPeer, str]]:
    """Serves a peer; gives it and its target."""
    peer: TriggerPeer = cast(Any, TriggerPeer)()  # of the service's rpcs, those that the gateway's tests need
    async with serving(lambda server: add_TriggerServiceServicer_to_server(peer, server)) as target:
        yield peer, target
