"""The list of triggers, in the order of their making."""

from starlette.responses import Response

from gateway.console.names import names_of
from gateway.console.page import Page
from gateway.console.triggers.view import trigger_view
from gateway.console.visit import ConsoleVisit
from runhook.trigger.v1 import trigger_service_pb2 as pb


async def list_(visit: ConsoleVisit) -> Response:
    """GET /console/triggers?page="""
    request = pb.ListTriggersRequest(account_id=visit.account_id, page_token=visit.page_token)
    answer = await visit.ask(visit.services.triggers.ListTriggers, request)
    found = answer.triggers
    names = await names_of(visit, (one.task_id for one in found), (one.plan_id for one in found))
    triggers = [trigger_view(one, names, visit.now) for one in found]
    startable = bool(triggers) or await _has_task(visit)
    return visit.page(
        "triggers/list.html", triggers=triggers, startable=startable, pager=visit.pager(answer.next_page_token)
    )


async def _has_task(visit: ConsoleVisit) -> bool:
    """Whether there is anything that a trigger could start: else that is the first step."""
    request = pb.ListTasksRequest(account_id=visit.account_id, page_size=1)
    return bool((await visit.ask(visit.services.triggers.ListTasks, request)).tasks)


PAGES = (Page("GET", "/console/triggers", list_),)
