"""The console as an ASGI app in front of the route table: takes what is below /console, hands on the rest.

Invariants: without a key file there is no console, and each of its paths says how to have one; whatever goes wrong with a page
is told on a page.
"""

from collections import defaultdict

from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.keyring import KeyRing
from gateway.call_streams import CallStreams
from gateway.console import rendering
from gateway.console.assets import PATH
from gateway.console.door import AssetDoor, PageDoor
from gateway.console.page import Page
from gateway.console.routes import PAGES
from gateway.console.session import Sessions
from gateway.console.visit import House
from gateway.edge.throttle import Throttle
from gateway.http_errors import HttpError, not_found
from gateway.paths import Paths
from gateway.services import Services
from gateway.settings import GatewaySettings

ROUTE = "/console"
KEY_FILE = "RUNHOOK_GATEWAY_CONSOLE_KEY_FILE"


class Console:
    """Serves pages to people; everything that is not theirs goes to the app behind it."""

    def __init__(
        self, app: ASGIApp, services: Services, settings: GatewaySettings, throttle: Throttle, streams: CallStreams
    ) -> None:
        self._app = app
        self._paths: Paths | None = None
        if settings.gateway_console_key_file is not None:
            ring = KeyRing.from_file(settings.gateway_console_key_file, KEY_FILE)
            secure = settings.public_url.startswith("https://")
            sessions = Sessions(ring, settings.gateway_console_session_seconds, secure=secure)
            self._paths = _paths(House(services, settings, sessions, throttle, streams))
            rendering.compile_all()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. HttpError for what is no page; the observer has it shown on one."""
        path: bytes = scope["raw_path"]
        if path != b"/console" and not path.startswith(b"/console/"):
            await self._app(scope, receive, send)
            return
        scope["runhook.route"] = ROUTE
        scope["runhook.failure"] = rendering.failure
        if self._paths is None:
            raise HttpError(
                404, f"the console is off: the gateway's setting {KEY_FILE} turns it on", reason="CONSOLE_OFF"
            )
        found = self._paths.find(path)
        if found is None:
            raise not_found()
        scope["path_params"] = found.values
        await found.app(scope, receive, send)


def _paths(house: House) -> Paths:
    pages: dict[str, dict[str, Page]] = defaultdict(dict)
    for page in PAGES:
        pages[page.path][page.method] = page
    doors: dict[str, ASGIApp] = {path: PageDoor(path, methods, house) for path, methods in pages.items()}
    return Paths(doors | {f"{PATH}/{{name}}": AssetDoor(f"{PATH}/{{name}}")})
