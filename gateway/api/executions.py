"""/api/v1 executions: what closed windows, schedules and hands set going; started, executed again, cancelled."""

from collections.abc import AsyncGenerator
from typing import Literal

from pydantic import Field
from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.api.runs import shown as shown_run
from gateway.numbers import Count, Id
from gateway.paging import PageQuery
from gateway.shapes import Shape, Texts
from gateway.streamed import Streamed
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.execution_pb2 import Execution, ExecutionState

#: A text: in mode talend_raw, and where somebody started it with another one, it is no JSON.
PAYLOAD = "text/plain; charset=utf-8"


State = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "REJECTED"]


class ExecutionsQuery(PageQuery):
    """A page of executions: of those for which all holds that is given. 0 and "" are as if absent."""

    task_id: Count = 0
    plan_id: Count = 0
    trigger_id: str = ""
    window_id: Count = 0
    state: State | None = None


class StartBody(Shape):
    """What is to be executed, a task or a plan. The payload is the value of `resource_webhook_payload`, to the letter."""

    task_id: Id = 0
    plan_id: Id = 0
    parameters: Texts = Field(default_factory=dict)
    payload: str = ""
    reason: str = ""
    request_id: str = ""


class RerunBody(Shape):
    """Where to begin."""

    from_failed_step: bool = False


async def start(visit: Visit) -> Response:
    """POST .../executions: 201 with the execution, which the queue limit may have rejected."""
    rpc = visit.services.triggers.StartExecution
    body = await visit.read(StartBody, rpc, pb.StartExecutionRequest(account_id=visit.account_id))
    request = pb.StartExecutionRequest(
        account_id=visit.account_id,
        task_id=body.task_id,
        plan_id=body.plan_id,
        parameters=body.parameters,
        payload=body.payload.encode(),
        reason=body.reason,
        request_id=body.request_id,
    )
    return JsonAnswer(shown((await visit.ask(rpc, request)).execution), 201)


async def rerun(visit: Visit) -> Response:
    """POST .../executions/{execution_id}/rerun: 201 with the new execution."""
    rpc = visit.services.triggers.RerunExecution
    hopeless = pb.RerunExecutionRequest(account_id=visit.account_id)
    body = await visit.read(RerunBody, rpc, hopeless, optional=True)
    request = pb.RerunExecutionRequest(
        account_id=visit.account_id,
        execution_id=visit.text("execution_id"),
        from_failed_step=body.from_failed_step,
    )
    return JsonAnswer(shown((await visit.ask(rpc, request)).execution), 201)


async def cancel(visit: Visit) -> Response:
    """POST .../executions/{execution_id}/cancel: 200 with the execution, cancelled."""
    request = pb.CancelExecutionRequest(account_id=visit.account_id, execution_id=visit.text("execution_id"))
    return JsonAnswer(shown((await visit.ask(visit.services.triggers.CancelExecution, request)).execution))


async def payload(visit: Visit) -> Response:
    """GET .../executions/{execution_id}/payload: as its runs get it."""
    execution_id = visit.text("execution_id")
    request = pb.GetExecutionPayloadRequest(account_id=visit.account_id, execution_id=execution_id)
    answers: AsyncGenerator[pb.GetExecutionPayloadResponse, None] = await visit.stream(
        visit.services.triggers.GetExecutionPayload, request
    )
    return Streamed(_chunks(answers), media_type=PAYLOAD, disposition="attachment", name="payload.txt")


async def _chunks(answers: AsyncGenerator[pb.GetExecutionPayloadResponse, None]) -> AsyncGenerator[bytes, None]:
    try:
        async for answer in answers:
            yield answer.chunk
    finally:
        await answers.aclose()


async def list_(visit: Visit) -> Response:
    """GET .../executions?task_id=&plan_id=&trigger_id=&window_id=&state=&page_size=&page_token="""
    rpc = visit.services.triggers.ListExecutions
    hopeless = pb.ListExecutionsRequest(account_id=visit.account_id, page_size=-1)
    query = await visit.query(ExecutionsQuery, rpc, hopeless)
    request = pb.ListExecutionsRequest(
        account_id=visit.account_id,
        task_id=query.task_id,
        plan_id=query.plan_id,
        trigger_id=query.trigger_id,
        window_id=query.window_id,
        state=ExecutionState.Value(f"EXECUTION_STATE_{query.state or 'UNSPECIFIED'}"),
        page_size=query.page_size,
        page_token=query.page_token,
    )
    answer = await visit.ask(rpc, request)
    executions = [shown(one) for one in answer.executions]
    return JsonAnswer({"executions": executions, "next_page_token": answer.next_page_token})


async def read(visit: Visit) -> Response:
    """GET .../executions/{execution_id}"""
    request = pb.GetExecutionRequest(account_id=visit.account_id, execution_id=visit.text("execution_id"))
    answer = await visit.ask(visit.services.triggers.GetExecution, request)
    return JsonAnswer(shown(answer.execution))


def shown(execution: Execution) -> dict[str, object]:
    """The execution with its runs as callers see it."""
    return {
        "execution_id": execution.execution_id,
        "account_id": str(execution.account_id),
        "task_id": _number(execution.task_id),
        "plan_id": _number(execution.plan_id),
        "trigger_id": execution.trigger_id or None,
        "window_id": _number(execution.window_id),
        "cause": execution.cause,
        "rerun_of": execution.rerun_of or None,
        "state": ExecutionState.Name(execution.state).removeprefix("EXECUTION_STATE_"),
        "reason": execution.reason,
        "step": execution.step,
        "call_count": execution.call_count,
        "payload_bytes": execution.payload_bytes,
        "runs": [shown_run(run) for run in execution.runs],
        "created_at": shown_time(execution.create_time),
        "finished_at": shown_time(execution.finish_time),
    }


def _number(number: int) -> str | None:
    return str(number) if number else None
