"""The list of plans, in the order of their making."""

from starlette.responses import Response

from gateway.console.names import Names
from gateway.console.page import Page
from gateway.console.plans.view import plan_view
from gateway.console.visit import ConsoleVisit
from runhook.trigger.v1 import trigger_service_pb2 as pb


async def list_(visit: ConsoleVisit) -> Response:
    """GET /console/plans?page="""
    request = pb.ListPlansRequest(account_id=visit.account_id, page_token=visit.page_token)
    answer = await visit.ask(visit.services.triggers.ListPlans, request)
    plans = [plan_view(one, Names({}, {}), visit.now) for one in answer.plans]
    has_tasks = bool(plans) or await _has_task(visit)
    return visit.page("plans/list.html", plans=plans, has_tasks=has_tasks, pager=visit.pager(answer.next_page_token))


async def _has_task(visit: ConsoleVisit) -> bool:
    request = pb.ListTasksRequest(account_id=visit.account_id, page_size=1)
    return bool((await visit.ask(visit.services.triggers.ListTasks, request)).tasks)


PAGES = (Page("GET", "/console/plans", list_),)
