"""The list of tasks, in the order of their making."""

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.tasks.view import task_view
from gateway.console.visit import ConsoleVisit
from runhook.trigger.v1 import trigger_service_pb2 as pb


async def list_(visit: ConsoleVisit) -> Response:
    """GET /console/tasks?page="""
    request = pb.ListTasksRequest(account_id=visit.account_id, page_token=visit.page_token)
    answer = await visit.ask(visit.services.triggers.ListTasks, request)
    tasks = [task_view(one, visit.now) for one in answer.tasks]
    return visit.page("tasks/list.html", tasks=tasks, pager=visit.pager(answer.next_page_token))


PAGES = (Page("GET", "/console/tasks", list_),)
