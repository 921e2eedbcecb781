"""A webhook is paused, set active again, deleted."""

from starlette.responses import Response

from gateway.console.act import act
from gateway.console.page import Page
from gateway.console.visit import ConsoleVisit
from gateway.console.webhooks.asking import ID, page_of, webhook
from gateway.console.webhooks.detail import show
from runhook.subscription.v1.subscription_service_pb2 import DeleteSubscriptionRequest, UpdateSubscriptionRequest


async def pause(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/pause"""
    return await _switch(visit, active=False, done="webhook_paused")


async def resume(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/resume: revives one that was deactivated too."""
    return await _switch(visit, active=True, done="webhook_resumed")


async def delete(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/delete"""
    request = DeleteSubscriptionRequest(account_id=visit.account_id, subscription_id=visit.text(ID))
    rpc = visit.services.subscriptions.DeleteSubscription
    return await act(visit, rpc, request, show=show, path="/console/webhooks", done="webhook_deleted")


async def _switch(visit: ConsoleVisit, *, active: bool, done: str) -> Response:
    """An update replaces everything, so that all else goes back as it came, unless somebody was faster."""
    found = await webhook(visit)
    found.active = active
    rpc = visit.services.subscriptions.UpdateSubscription
    request = UpdateSubscriptionRequest(subscription=found, etag=found.etag)
    return await act(visit, rpc, request, show=show, path=page_of(visit), done=done)


PAGES = (
    Page("POST", "/console/webhooks/{webhook_id}/pause", pause),
    Page("POST", "/console/webhooks/{webhook_id}/resume", resume),
    Page("POST", "/console/webhooks/{webhook_id}/delete", delete),
)
