"""/api/v1 executions: what closed windows set going, newest first."""

from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.api.runs import shown as shown_run
from gateway.numbers import Count
from gateway.paging import PageQuery
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.execution_pb2 import Execution, ExecutionState


class ExecutionsQuery(PageQuery):
    """A page of executions; those of one task unless `task_id` is 0."""

    task_id: Count = 0


async def list_(visit: Visit) -> Response:
    """GET .../executions?task_id=&page_size=&page_token="""
    rpc = visit.services.triggers.ListExecutions
    hopeless = pb.ListExecutionsRequest(account_id=visit.account_id, page_size=-1)
    query = await visit.query(ExecutionsQuery, rpc, hopeless)
    request = pb.ListExecutionsRequest(
        account_id=visit.account_id,
        task_id=query.task_id,
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
        "task_id": str(execution.task_id),
        "trigger_id": execution.trigger_id,
        "window_id": str(execution.window_id),
        "state": ExecutionState.Name(execution.state).removeprefix("EXECUTION_STATE_"),
        "reason": execution.reason,
        "call_count": execution.call_count,
        "runs": [shown_run(run) for run in execution.runs],
        "created_at": shown_time(execution.create_time),
        "finished_at": shown_time(execution.finish_time),
    }
