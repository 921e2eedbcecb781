"""The gateway as one ASGI app: the observer around the trigger door, the console behind it, and behind that the route table."""

from starlette.types import ASGIApp

from gateway.call_streams import CallStreams
from gateway.console.console import Console
from gateway.edge.strangers import Strangers
from gateway.edge.throttle import Throttle
from gateway.observer import Observer
from gateway.routes import router
from gateway.services import Services
from gateway.settings import GatewaySettings
from gateway.trigger_door import TriggerDoor


def build(settings: GatewaySettings, services: Services, streams: CallStreams) -> ASGIApp:
    """The app over these services."""
    throttle = Throttle(settings.gateway_token_rate, settings.gateway_failure_rate)
    strangers = Strangers(settings.gateway_failure_rate, settings.gateway_call_rate)
    console = Console(router(services, settings), services, settings, throttle, streams)
    door = TriggerDoor(console, streams, strangers, settings)
    return Observer(door, throttle)
