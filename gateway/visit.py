"""One request on its way through the gateway: what handlers read of it and how they ask a service for its sake.

Invariant: who may not call is told that before anything else; what is wrong with a request is told to those who may.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from chassis import tracing
from chassis.errors import BadField
from chassis.logs import REQUEST_ID_KEY
from gateway import bodies, numbers, shapes
from gateway.bearer import caller_metadata
from gateway.http_errors import HttpError, not_found
from gateway.services import Method, Services, StreamMethod, patient
from gateway.settings import GatewaySettings

Request = TypeVar("Request")
Answer = TypeVar("Answer")
S = TypeVar("S", bound=shapes.Shape)
Names = Callable[[str], str]


class Visit:
    """A request with its caller. Made once its route is known; HttpError 401 when it names no caller."""

    def __init__(self, scope: Scope, receive: Receive, services: Services, settings: GatewaySettings) -> None:
        self._scope = scope
        self._receive = receive
        request_id = (REQUEST_ID_KEY, scope["runhook.request_id"])
        self._metadata = (*caller_metadata(scope["headers"]), request_id)
        span = tracing.current.get()
        if span is not None:
            self._metadata = (*self._metadata, (tracing.TRACEPARENT_KEY, span.traceparent))
        self.services = services
        self.settings = settings

    @property
    def account_id(self) -> int:
        """The account of the path; 0 for what can be none."""
        return self.number("account_id")

    def text(self, name: str) -> str:
        """A part of the path."""
        found: str = self._scope["path_params"][name]
        return found

    def number(self, name: str) -> int:
        """A part of the path that is a number above 0; 0 for what can be none, which no service ever finds."""
        return numbers.decimal(self.text(name)) or 0

    def header(self, name: bytes) -> str | None:
        """A header by its lower-case name; of several the last."""
        found: str | None = {key: value.decode("latin-1") for key, value in self._scope["headers"]}.get(name)
        return found

    async def query(self, shape: type[S], method: Method[Request, Answer], hopeless: Request) -> S:
        """The query in its shape; of parameters with the same name the last. `hopeless` is as in `refusal`."""
        sent = dict(parse_qsl(self._scope["query_string"].decode("latin-1"), keep_blank_values=True))
        try:
            return shapes.parse(shape, sent)
        except HttpError as error:
            raise await self.refusal(error, method, hopeless) from None

    async def read(
        self, shape: type[S], method: Method[Request, Answer], hopeless: Request, *, optional: bool = False
    ) -> S:
        """The body in its shape; an `optional` one may be absent. `hopeless` is as in `refusal`."""
        sent = await self.sent(method, hopeless, optional=optional)
        try:
            return shapes.parse(shape, sent)
        except HttpError as error:
            raise await self.refusal(error, method, hopeless) from None

    async def sent(
        self, method: Method[Request, Answer], hopeless: Request, *, optional: bool = False
    ) -> dict[str, Any]:
        """The body's JSON object, of whatever shape."""
        headers, limit = self._scope["headers"], self.settings.gateway_body_bytes
        bodies.check_length(headers, limit)
        body = await bodies.read(self._receive, limit)
        try:
            bodies.check_not_form(headers)
            return {} if optional and not body else bodies.parse_object(body)
        except HttpError as error:
            raise await self.refusal(error, method, hopeless) from None

    async def ask(
        self, method: Method[Request, Answer], request: Request, names: Names = str, *, seconds: float | None = None
    ) -> Answer:
        """A service's answer to the caller, within `seconds` where the usual time is not enough.

        HttpError has its bad fields under the names that `names` gives them.
        """
        asked = method if seconds is None else patient(method, seconds)
        try:
            return await self.services.ask(asked, request, self._metadata)
        except HttpError as error:
            if self._settled(error) is not error:
                raise self._settled(error) from None
            if error.fields:
                error.name_fields([BadField(names(bad.field), bad.message) for bad in error.fields])
            raise

    async def stream(self, method: StreamMethod[Request, Answer], request: Request) -> AsyncGenerator[Answer, None]:
        """A service's answers to the caller, one after the other. HttpError, before the first and in between."""
        try:
            return await self.services.stream(method, request, self._metadata)
        except HttpError as error:
            raise self._settled(error) from None

    async def refusal(
        self, error: HttpError, method: Method[Request, Answer], hopeless: Request, names: Names | None = None
    ) -> HttpError:
        """What to answer to a request that is wrong in itself: `error`, or that its caller may not ask at all.

        Only a service knows its caller. `hopeless` is a request that it never grants, whoever sends it. With `names` its
        complaints about other fields than the error's are told along.
        """
        try:
            await self.ask(method, hopeless, names or str)
        except HttpError as other:
            if other.status != 400:
                return other
            if names is not None:
                known = {shapes.key(bad.field) for bad in error.fields}
                others = [bad for bad in other.fields if shapes.key(bad.field) not in known]
                error.name_fields([*error.fields, *others])
        return error

    def _settled(self, error: HttpError) -> HttpError:
        """What can be no account is not found, whoever asks."""
        return not_found() if error.reason == "WRONG_ACCOUNT" and not self._may_name_an_account() else error

    def _may_name_an_account(self) -> bool:
        return "account_id" not in self._scope["path_params"] or self.account_id > 0
