"""The gateway as one ASGI app: the observer around the trigger door, and the route table behind it."""

from starlette.types import ASGIApp

from gateway.call_stream import CallStreams
from gateway.edge.throttle import Throttle
from gateway.observer import Observer
from gateway.routes import router
from gateway.services import Services
from gateway.settings import GatewaySettings
from gateway.trigger_door import TriggerDoor


def build(settings: GatewaySettings, services: Services, streams: CallStreams) -> ASGIApp:
    """The app over these services."""
    throttle = Throttle(settings.gateway_token_rate, settings.gateway_failure_rate)
    return Observer(TriggerDoor(router(services, settings), streams, settings), throttle)
