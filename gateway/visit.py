"""One request on its way through the gateway: what handlers read of it and how they ask a service for its sake."""

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request as HttpRequest

from chassis.errors import BadField
from gateway import bodies, numbers, shapes
from gateway.bearer import caller_metadata
from gateway.http_errors import HttpError, bad_request, not_found
from gateway.services import Method, Services
from gateway.settings import GatewaySettings

Request = TypeVar("Request")
Answer = TypeVar("Answer")
S = TypeVar("S", bound=shapes.Shape)
Names = Callable[[str], str]


class Visit:
    """A request with its caller. Made once its route is known; HttpError 401 when it names no caller."""

    def __init__(self, request: HttpRequest, services: Services, settings: GatewaySettings) -> None:
        self._request = request
        self._metadata = caller_metadata(request.scope["headers"])
        self.services = services
        self.settings = settings

    @property
    def account_id(self) -> int:
        """The account of the path; 0 for what can be none, which the services refuse once they know the caller."""
        return numbers.decimal(self.text("account_id")) or 0

    def text(self, name: str) -> str:
        """A part of the path."""
        found: str = self._request.path_params[name]
        return found

    def number(self, name: str) -> int:
        """A part of the path that is a number above 0. HttpError 404 when it is none."""
        number = numbers.decimal(self.text(name))
        if not number:
            raise not_found()
        return number

    def query(self, name: str) -> str | None:
        """A parameter of the query, the last of its name."""
        return self._request.query_params.get(name)

    def query_number(self, name: str) -> int | None:
        """The same as a number. HttpError 400 when it is none."""
        text = self.query(name)
        if text is None:
            return None
        number = numbers.decimal(text)
        if number is None:
            raise bad_request(BadField(name, "must be a whole number, 0 or above"))
        return number

    async def read(self, shape: type[S], method: Method[Request, Answer], hopeless: Request) -> S:
        """The body in its shape. Who may not call at all is told that before what is wrong with the body."""
        scope = self._request.scope
        limit = self.settings.gateway_body_bytes
        bodies.check_length(scope["headers"], limit)
        body = await bodies.read(self._request.receive, limit, self.settings.gateway_body_seconds)
        try:
            bodies.check_not_form(scope["headers"])
            return shapes.parse(shape, bodies.parse_object(body))
        except HttpError as error:
            raise await self.refusal(error, method, hopeless) from None

    async def ask(self, method: Method[Request, Answer], request: Request, names: Names = str) -> Answer:
        """A service's answer to the caller. HttpError has its bad fields under the names that `names` gives them."""
        try:
            return await self.services.ask(method, request, self._metadata)
        except HttpError as error:
            error.fields = tuple(BadField(names(bad.field), bad.message) for bad in error.fields)
            raise

    async def refusal(self, error: HttpError, method: Method[Request, Answer], hopeless: Request) -> HttpError:
        """What to answer to a request that is wrong in itself: `error`, or that its caller may not ask at all.

        Only a service knows its caller. `hopeless` is a request that it never grants, whoever sends it.
        """
        try:
            await self.services.ask(method, hopeless, self._metadata)
        except HttpError as other:
            return error if other.status == 400 else other
        return error
