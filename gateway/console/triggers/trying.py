"""A call by hand to a trigger, from its page."""

from starlette.responses import Response

from chassis.errors import BadField
from gateway.console.page import Page
from gateway.console.refusal import Refusal
from gateway.console.triggers.asking import ID, trigger
from gateway.console.triggers.page import live_part, show
from gateway.console.triggers.try_call import CallForm, send
from gateway.console.visit import ConsoleVisit
from runhook.trigger.v1 import trigger_service_pb2 as pb


async def send_call(visit: ConsoleVisit) -> Response:
    """POST /console/triggers/{trigger_id}/call: the trigger's page with the answer."""
    asked = pb.RevealTriggerTokenRequest(account_id=visit.account_id, trigger_id=visit.text(ID))
    token = (await visit.ask(visit.services.triggers.RevealTriggerToken, asked)).token
    form = CallForm.read(visit.form)
    request = form.request(token)
    refusal = Refusal(fields=(request,)) if isinstance(request, BadField) else Refusal()
    answer = None if isinstance(request, BadField) else await send(visit, request)
    return visit.page(
        "triggers/page.html",
        status=400 if refusal.fields else 200,
        refusal=refusal,
        call=form,
        answer=answer,
        fragment=False,
        **await live_part(visit, await trigger(visit)),
    )


PAGES = (
    Page("GET", "/console/triggers/{trigger_id}/call", show),
    Page("POST", "/console/triggers/{trigger_id}/call", send_call),
)
