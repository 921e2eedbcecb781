"""Sign-in with a service token, and sign-out.

Invariants: a token is shown to a service before it is believed, and a wrong one counts against its address as over the API;
nothing of the session before lives on; a sign-in leads to a page of ours alone.
"""

import re

from starlette.responses import Response

from chassis.errors import BadField
from gateway.console.door import admitted
from gateway.console.nav import HOME
from gateway.console.page import Page
from gateway.console.refusal import Refusal
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.subscription.v1.account_pb2 import Account
from runhook.subscription.v1.account_service_pb2 import ListAccountsRequest

_TOKEN = re.compile(r"[\x21-\x7e]{1,512}")
_OURS = re.compile(r"/console(?:[/?][\x21-\x7e]*)?")
_NONE = "paste the whole token, without blanks"
_TEMPLATE = "sign_in.html"


async def ask(visit: ConsoleVisit) -> Response:
    """GET /console/sign-in?next="""
    if visit.session.signed_in:
        return visit.redirect(next_page(visit.query.text("next")))
    return _form(visit)


async def enter(visit: ConsoleVisit) -> Response:
    """POST /console/sign-in: token, next."""
    token = visit.form.text("token").strip()
    if not _TOKEN.fullmatch(token):
        return _form(visit, 400, Refusal(fields=(BadField("token", _NONE),)))
    try:
        with admitted(visit.throttle, token, visit.client):
            answer = await visit.ask(
                visit.services.accounts.ListAccounts, ListAccountsRequest(page_size=1), token=token
            )
    except HttpError as error:
        if error.status == 401:
            return _form(visit, 401, Refusal(fields=(BadField("token", error.message),)))
        return _form(visit, error.status, Refusal(message=error.message))
    account = answer.accounts[0] if answer.accounts else Account()
    session = visit.sessions.signed_in(token, account.account_id, account.name[:80])
    return visit.redirect(next_page(visit.form.text("next")), cookie=visit.sessions.set_cookie(session))


async def leave(visit: ConsoleVisit) -> Response:
    """POST /console/sign-out"""
    return visit.redirect("/console/sign-in", done="signed_out", cookie=visit.sessions.drop_cookie())


def next_page(wanted: str) -> str:
    """Where a sign-in leads: to the page that was asked for, if it is one of ours.

    >>> next_page("/console/webhooks?page=x"), next_page("//elsewhere"), next_page("/consoles")
    ('/console/webhooks?page=x', '/console', '/console')
    """
    return wanted if _OURS.fullmatch(wanted) else HOME


def _form(visit: ConsoleVisit, status: int = 200, refusal: Refusal | None = None) -> Response:
    wanted = visit.form.text("next") or visit.query.text("next")
    answer = visit.page(_TEMPLATE, status=status, refusal=refusal or Refusal(), next=wanted)
    answer.headers["set-cookie"] = visit.sessions.set_cookie(visit.session)
    return answer


PAGES = (
    Page("GET", "/console/sign-in", ask, open=True),
    Page("POST", "/console/sign-in", enter, open=True),
    Page("POST", "/console/sign-out", leave, open=True),
)
