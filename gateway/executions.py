"""/api/v1 executions: what closed windows set going, newest first."""

from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.runs import shown as shown_run
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.execution_pb2 import Execution, ExecutionState

LARGEST_PAGE_SIZE = 2**31 - 1


async def list_(visit: Visit) -> Response:
    """GET .../executions?task_id=&page_size=&page_token="""
    request = pb.ListExecutionsRequest(
        account_id=visit.account_id,
        task_id=visit.query_number("task_id") or 0,
        page_size=min(visit.query_number("page_size") or 0, LARGEST_PAGE_SIZE),
        page_token=visit.query("page_token") or "",
    )
    answer = await visit.ask(visit.services.triggers.ListExecutions, request)
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
