"""One request on its way through the console: what handlers read of it, ask for its sake, and answer it with."""

import re
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from starlette.responses import Response
from starlette.types import Scope

from chassis.logs import REQUEST_ID_KEY
from gateway import numbers
from gateway.call_streams import CallStreams
from gateway.console import csrf, rendering
from gateway.console.form import NO_FORM, Form
from gateway.console.notes import NOTES
from gateway.console.refusal import NO_REFUSAL, Refusal, refusal_of
from gateway.console.rendering import HEADERS
from gateway.console.session import Session, Sessions
from gateway.edge.throttle import Throttle
from gateway.http_errors import HttpError
from gateway.services import Method, Services, patient
from gateway.settings import GatewaySettings

Request = TypeVar("Request")
Answer = TypeVar("Answer")
#: Refusals that a form is not shown again for.
_NO_FORM_HELPS = (401, 404)
_PAGE = "page"
_BEFORE_PATH = re.compile(r"https?://[^/]*")
#: What a Location may hold beside letters and digits; line ends above all it may not.
_KEPT = "/?#&=%+:@!$'()*,;~-._"


class House(NamedTuple):
    """What all visits share."""

    services: Services
    settings: GatewaySettings
    sessions: Sessions
    throttle: Throttle
    streams: CallStreams


class Pager(NamedTuple):
    """Where a list goes on, and where it begins; None where that is here."""

    next: str | None
    newest: str | None


class ConsoleVisit:
    """A request with its session. `form` holds the fields of a POST, whose origin and token have been checked."""

    def __init__(self, scope: Scope, house: House, session: Session, form: Form = NO_FORM) -> None:
        self._scope = scope
        self.services = house.services
        self.settings = house.settings
        self.sessions = house.sessions
        self.throttle = house.throttle
        self.streams = house.streams
        self.session = session
        self.form = form
        self.query = Form.parse(scope["query_string"])
        self.now = datetime.now(UTC)

    @property
    def path(self) -> str:
        """The path without the query."""
        found: str = self._scope["path"]
        return found

    @property
    def url(self) -> str:
        """The path with its query."""
        query = self._scope["query_string"].decode("latin-1")
        return f"{self.path}?{query}" if query else self.path

    @property
    def page_url(self) -> str:
        """The same of the page that a browser shows: a part that renews itself has a path of its own, and is no page."""
        shown = next((value for name, value in self._scope["headers"] if name == b"hx-current-url"), b"")
        if not self.is_fragment or not shown:
            return self.url
        return _BEFORE_PATH.sub("", shown.decode("latin-1")).partition("#")[0]

    @property
    def is_get(self) -> bool:
        """Whether it asks for a page alone."""
        return self._scope["method"] in ("GET", "HEAD")

    @property
    def request_id(self) -> str:
        """What the log calls this request."""
        found: str = self._scope["runhook.request_id"]
        return found

    @property
    def client(self) -> str:
        """The address that the request came from."""
        client = self._scope["client"]
        return "" if client is None else str(client[0])

    @property
    def account_id(self) -> int:
        """The account that is signed in."""
        return self.session.account_id

    @property
    def is_fragment(self) -> bool:
        """Whether htmx asks for a part of a page."""
        return any(name == b"hx-request" for name, _ in self._scope["headers"])

    def text(self, name: str) -> str:
        """A part of the path."""
        found: str = self._scope["path_params"][name]
        return found

    def number(self, name: str) -> int:
        """A part of the path that is a number above 0; 0 for what can be none, which no service ever finds."""
        return numbers.decimal(self.text(name)) or 0

    async def ask(
        self,
        method: Method[Request, Answer],
        request: Request,
        *,
        seconds: float | None = None,
        token: str | None = None,
    ) -> Answer:
        """A service's answer to whoever is signed in (or shows `token`), within `seconds` where the usual is not enough.

        HttpError when it refuses, is away or too slow.
        """
        asked = method if seconds is None else patient(method, seconds)
        return await self.services.ask(asked, request, self.metadata(token))

    def metadata(self, token: str | None = None) -> tuple[tuple[str, str], ...]:
        """What gRPC calls carry."""
        shown = self.session.token if token is None else token
        return (("authorization", f"Bearer {shown}"), (REQUEST_ID_KEY, self.request_id))

    def page(
        self, template: str, /, *, status: int = 200, refusal: Refusal = NO_REFUSAL, **context: object
    ) -> Response:
        """A page or, with a template that extends no layout, a fragment of one."""
        around = {
            "path": self.path,
            "session": self.session,
            "csrf": csrf.token(self.session),
            "note": NOTES.get(self.query.text("done"), ""),
            "refusal": refusal,
            "typed": self.form,
            "now": self.now,
        }
        return rendering.answer(template, around | context, status)

    def refused(self, template: str, error: HttpError, /, *, prefix: str = "", **context: object) -> Response:
        """A form once more, with what the service has against it; `prefix` is as in `refusal_of`.

        Raises the error where no form would help: an unknown token, a thing that is not there.
        """
        if error.status in _NO_FORM_HELPS:
            raise error
        return self.page(template, status=error.status, refusal=refusal_of(error, prefix), **context)

    def redirect(self, path: str, /, *, done: str = "", cookie: str = "", **query: str) -> Response:
        """303 to a page of ours, which says the note `done` of notes.py."""
        query = {"done": done, **query} if done else query
        whole = f"{path}?{urlencode(query)}" if query else path
        headers = {**HEADERS, "location": quote(whole, safe=_KEPT)}
        if cookie:
            headers["set-cookie"] = cookie
        return Response(status_code=303, headers=headers)

    def pager(self, next_page_token: str) -> Pager:
        """Links of a list that is paged by key; its filters stay. The token of the page asked for is `page_token`."""
        sent = parse_qsl(self._scope["query_string"].decode("latin-1"), keep_blank_values=True)
        filters = [(name, value) for name, value in sent if name not in (_PAGE, "done")]
        following = f"{self.path}?{urlencode([*filters, (_PAGE, next_page_token)])}" if next_page_token else None
        newest = (f"{self.path}?{urlencode(filters)}" if filters else self.path) if self.page_token else None
        return Pager(following, newest)

    @property
    def page_token(self) -> str:
        """The page of a list that is asked for; empty for the first."""
        return self.query.text(_PAGE)
