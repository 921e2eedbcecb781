"""The trigger door: POST {public_url}/t/<43 base64url characters>, a raw ASGI app in front of the router.

Checks in this order: token's form, method, length, media type header, encoding, room; only then is the body read, and
only trigger_svc looks into it. Invariant: 204 means committed; nothing of a call (token, body, query) is ever echoed or
logged. A token that cannot be one is answered exactly like one that nobody has.
"""

import re

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import bodies, call_answers, problem
from gateway.call_stream import CallLost, CallStreams
from gateway.failures import send_failure
from gateway.http_errors import HttpError, not_found
from gateway.room import Room
from gateway.settings import GatewaySettings
from runhook.trigger.v1.trigger_pb2 import Call

PREFIX = b"/t/"
ROUTE = "/t/{token}"
ALLOWED = {"allow": "POST, OPTIONS"}
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{43}")
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')


class TriggerDoor:
    """Takes what is below /t/ (as sent, before any decoding); hands everything else to the app behind it."""

    def __init__(self, app: ASGIApp, streams: CallStreams, settings: GatewaySettings) -> None:
        self._app = app
        self._streams = streams
        self._largest = settings.gateway_call_bytes
        self._seconds = settings.gateway_body_seconds
        self._room = Room(settings.gateway_calls_in_flight, settings.gateway_calls_in_flight_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        path: bytes = scope["raw_path"]
        if not path.startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        scope["runhook.route"] = ROUTE
        try:
            response = await self._take(path.removeprefix(PREFIX), scope, receive)
        except HttpError as error:
            await send_failure(problem.failure, error, scope, receive, send)
        else:
            await response(scope, receive, send)

    async def _take(self, token: bytes, scope: Scope, receive: Receive) -> Response:
        if not _TOKEN.fullmatch(token):
            raise not_found()
        if scope["method"] == "OPTIONS":
            return Response(status_code=204, headers=ALLOWED)
        if scope["method"] != "POST":
            raise HttpError(405, "a trigger takes POST", reason="METHOD_NOT_ALLOWED", headers=ALLOWED)
        length = bodies.check_length(scope["headers"], self._largest)
        media_type = _media_type(scope["headers"])
        _check_encoding(scope["headers"])
        self._room.check(length or 0)
        body = await bodies.read(receive, self._largest, self._seconds)
        with self._room.reserved(len(body)):
            call = Call(token=token.decode(), media_type=media_type, body=body)
            try:
                answer = await self._streams.send(call)
            except CallLost:
                raise call_answers.lost() from None
        return call_answers.response_to(answer)


def _media_type(headers: bodies.Headers) -> str:
    found = [value for name, value in headers if name == b"content-type"]
    if len(found) > 1 or (found and b"," in _QUOTED.sub(b"", found[0])):
        raise HttpError(400, "send one Content-Type", reason="MEDIA_TYPE_AMBIGUOUS")
    return found[0].strip().decode("latin-1") if found else ""


def _check_encoding(headers: bodies.Headers) -> None:
    encodings = [value.strip().lower() for name, value in headers if name == b"content-encoding"]
    if any(encoding not in (b"", b"identity") for encoding in encodings):
        message = "send the body as it is, without Content-Encoding"
        raise HttpError(415, message, reason="ENCODING_UNSUPPORTED", headers={"accept-encoding": "identity"})
