"""One path of the console: who comes, whether they may, and what answers them.

Order: method, session, a form's origin and token, sign-in, the token's rate, the handler. Invariant: nobody's form does
anything before it is known to be theirs, and whoever's token is no longer good is led to the sign-in.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway import bodies
from gateway.answers import error_headers
from gateway.console import csrf
from gateway.console.assets import assets
from gateway.console.form import NO_FORM, Form
from gateway.console.page import Page
from gateway.console.rendering import HEADERS
from gateway.console.session import Session
from gateway.console.visit import ConsoleVisit, House
from gateway.edge.throttle import Throttle
from gateway.http_errors import HttpError, not_allowed

SIGN_IN = "/console/sign-in"
_FORM = b"application/x-www-form-urlencoded"


class PageDoor:
    """Hands a visit to the page of its method."""

    def __init__(self, path: str, pages: Mapping[str, Page], house: House) -> None:
        self._path = path
        self._pages = dict(pages)
        if "GET" in pages:
            self._pages["HEAD"] = pages["GET"]
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        scope["runhook.route"] = self._path
        page = self._pages.get(scope["method"])
        if page is None:
            raise not_allowed(", ".join(self._pages))
        answer = await self._answer(page, scope, receive)
        await answer(scope, receive, send)

    async def _answer(self, page: Page, scope: Scope, receive: Receive) -> Response:
        sessions = self._house.sessions
        session = sessions.read(scope["headers"])
        form = NO_FORM
        if page.method == "POST":
            form = await self._form(scope, receive, session)
        elif session is None and _may_have_been_held_back(scope):
            return _once_more()
        visit = ConsoleVisit(scope, self._house, session or sessions.visitor(), form)
        if page.open:
            return await page.handler(visit)
        if not visit.session.signed_in:
            return _to_sign_in(visit)
        try:
            with admitted(self._house.throttle, visit.session.token, visit.client):
                return await page.handler(visit)
        except HttpError as error:
            return self._refusal(error, visit)

    async def _form(self, scope: Scope, receive: Receive, session: Session | None) -> Form:
        """The fields of a POST that is this session's. HttpError 403 for anybody else's, 400 for no form at all."""
        headers, limit = scope["headers"], self._house.settings.gateway_body_bytes
        csrf.check_origin(headers, self._house.settings.public_url)
        known = csrf.check_session(session)
        bodies.check_length(headers, limit)
        body = await bodies.read(receive, limit)
        kind = next((value for name, value in headers if name == b"content-type"), b"")
        form = Form.parse(body if kind.split(b";")[0].strip().lower() == _FORM else b"")
        csrf.check_token(known, form.text(csrf.FIELD))
        return form

    def _refusal(self, error: HttpError, visit: ConsoleVisit) -> Response:
        if error.status == 401:
            return _to_sign_in(visit, ended=True)
        answer = visit.page("error.html", status=error.status, error=error, request_id=visit.request_id)
        answer.headers.update(error_headers(error))
        return answer


class AssetDoor:
    """The console's files, for everybody."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. HttpError 404 for what is not there."""
        scope["runhook.route"] = self._path
        if scope["method"] not in ("GET", "HEAD"):
            raise not_allowed("GET, HEAD")
        await assets().answer(scope["path_params"]["name"])(scope, receive, send)


@contextmanager
def admitted(throttle: Throttle, token: str, client: str) -> Iterator[None]:
    """Counts a request with this token as one of the API's. HttpError 429 when it is one too many."""
    guest = throttle.enter(f"Bearer {token}".encode(), client)
    status = None
    try:
        yield
    except HttpError as error:
        status = error.status
        raise
    finally:
        throttle.leave(guest, status)


def _to_sign_in(visit: ConsoleVisit, *, ended: bool = False) -> Response:
    """To the sign-in and from there back to the page that was looked at, unless it was a form."""
    query = f"?next={quote(visit.page_url, safe='/')}" if visit.is_get else ""
    headers = dict(HEADERS)
    if ended:
        query += ("&" if query else "?") + "done=session_ended"
        headers["set-cookie"] = visit.sessions.drop_cookie()
    if visit.is_fragment:  # a redirect would be followed out of sight
        return Response(status_code=401, headers={**headers, "hx-redirect": SIGN_IN + query})
    return Response(status_code=303, headers={**headers, "location": SIGN_IN + query})


def _may_have_been_held_back(scope: Scope) -> bool:
    """Whether a browser that has a session keeps it to itself: a link of another site led here (SameSite=Strict)."""
    return any(name == b"sec-fetch-site" and value == b"cross-site" for name, value in scope["headers"])


def _once_more() -> Response:
    """The same page again, asked for by a page of ours."""
    body = '<!doctype html><html lang="en"><title>Runhook</title><meta http-equiv="refresh" content="0"></html>'
    return Response(body, headers=HEADERS, media_type="text/html")
