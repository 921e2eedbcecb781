"""/api/v1 plans: ordered steps of tasks."""

from google.protobuf.duration_pb2 import Duration
from pydantic import Field
from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.api.tasks import CopyBody, QueueLimitBody, queue_limit, shown_queue_limit
from gateway.etags import etag_header, if_match
from gateway.numbers import Counts, Id
from gateway.paging import PageQuery
from gateway.shapes import Int32, Shape, Some
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.plan_pb2 import Plan, Step


class StepBody(Shape):
    """Tasks that run in parallel."""

    task_ids: Some[Id] = Field(default_factory=list)
    name: str = ""


class PlanBody(Shape):
    """A plan. Defaults that are empty or 0 are the service's."""

    name: str = ""
    steps: Some[StepBody] = Field(default_factory=list)
    failure_handler_task_id: Id | None = None
    timeout_seconds: Int32 | None = None
    allow_parallel_runs: bool = False
    queue_limit: QueueLimitBody | None = None


class PlansQuery(PageQuery):
    """A page of plans: of those named, if any are."""

    plan_ids: Counts = Field(default_factory=list)


async def create(visit: Visit) -> Response:
    """POST .../plans: 201 with the plan."""
    rpc = visit.services.triggers.CreatePlan
    body = await visit.read(PlanBody, rpc, pb.CreatePlanRequest(plan=Plan(account_id=visit.account_id)))
    answer = await visit.ask(rpc, pb.CreatePlanRequest(plan=_plan(body, visit.account_id)), _name)
    return _answer(answer.plan, 201)


async def list_(visit: Visit) -> Response:
    """GET .../plans?plan_ids=&page_size=&page_token="""
    rpc = visit.services.triggers.ListPlans
    query = await visit.query(PlansQuery, rpc, pb.ListPlansRequest(account_id=visit.account_id, page_size=-1))
    request = pb.ListPlansRequest(
        account_id=visit.account_id,
        plan_ids=query.plan_ids,
        page_size=query.page_size,
        page_token=query.page_token,
    )
    answer = await visit.ask(rpc, request)
    return JsonAnswer({"plans": [shown(one) for one in answer.plans], "next_page_token": answer.next_page_token})


async def read(visit: Visit) -> Response:
    """GET .../plans/{plan_id}"""
    request = pb.GetPlanRequest(account_id=visit.account_id, plan_id=visit.number("plan_id"))
    return _answer((await visit.ask(visit.services.triggers.GetPlan, request)).plan)


async def replace(visit: Visit) -> Response:
    """PUT .../plans/{plan_id}: what is not sent is the service's default."""
    rpc = visit.services.triggers.UpdatePlan
    plan_id = visit.number("plan_id")
    hopeless = pb.UpdatePlanRequest(plan=Plan(account_id=visit.account_id, plan_id=plan_id))
    plan = _plan(await visit.read(PlanBody, rpc, hopeless), visit.account_id)
    plan.plan_id, plan.etag = plan_id, if_match(visit)
    return _answer((await visit.ask(rpc, pb.UpdatePlanRequest(plan=plan), _name)).plan)


async def delete(visit: Visit) -> Response:
    """DELETE .../plans/{plan_id}: 204."""
    request = pb.DeletePlanRequest(account_id=visit.account_id, plan_id=visit.number("plan_id"))
    await visit.ask(visit.services.triggers.DeletePlan, request)
    return Response(status_code=204)


async def copy(visit: Visit) -> Response:
    """POST .../plans/{plan_id}/copy: 201 with the copy."""
    rpc = visit.services.triggers.CopyPlan
    hopeless = pb.CopyPlanRequest(account_id=visit.account_id, plan_id=visit.number("plan_id"), name="\n")
    body = await visit.read(CopyBody, rpc, hopeless, optional=True)
    request = pb.CopyPlanRequest(account_id=visit.account_id, plan_id=visit.number("plan_id"), name=body.name)
    return _answer((await visit.ask(rpc, request, _name)).plan, 201)


def shown(plan: Plan) -> dict[str, object]:
    """The plan as callers see it."""
    return {
        "plan_id": str(plan.plan_id),
        "account_id": str(plan.account_id),
        "name": plan.name,
        "steps": [{"task_ids": [str(task_id) for task_id in one.task_ids], "name": one.name} for one in plan.steps],
        "failure_handler_task_id": str(plan.failure_handler_task_id) if plan.failure_handler_task_id else None,
        "timeout_seconds": plan.timeout.seconds,
        "allow_parallel_runs": plan.allow_parallel_runs,
        "queue_limit": shown_queue_limit(plan.queue_limit),
        "paused": plan.paused,
        "etag": plan.etag,
        "created_at": shown_time(plan.create_time),
    }


def _answer(plan: Plan, status: int = 200) -> Response:
    return JsonAnswer(shown(plan), status, headers=etag_header(plan.etag))


def _plan(body: PlanBody, account_id: int) -> Plan:
    return Plan(
        account_id=account_id,
        name=body.name,
        steps=[Step(task_ids=one.task_ids, name=one.name) for one in body.steps],
        failure_handler_task_id=body.failure_handler_task_id or 0,
        timeout=None if body.timeout_seconds is None else Duration(seconds=body.timeout_seconds),
        allow_parallel_runs=body.allow_parallel_runs,
        queue_limit=queue_limit(body.queue_limit),
    )


def _name(field: str) -> str:
    name = field.removeprefix("plan.")
    return "timeout_seconds" if name == "timeout" else name
