"""The trigger door: {public_url}/t/<43 base64url characters>, a raw ASGI app in front of the router.

Checks in this order: the token's form, method, who asks, length, media type, room; then trigger_svc is asked about the token
if the sender waits for `100 Continue`; only then is the body read, and only trigger_svc looks into it. Invariant: 2xx means
committed, or not a call; nothing of a call (token, body, query) is ever echoed or logged. A token that cannot be one is
answered exactly like one that nobody has.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import bodies, call_answers, metrics, problem
from gateway.call_request import call_request
from gateway.call_stream import CallLost
from gateway.call_streams import CallStreams
from gateway.edge.strangers import Strangers
from gateway.failures import send_failure
from gateway.http_errors import HttpError, not_allowed, not_found
from gateway.room import Room
from gateway.settings import GatewaySettings
from runhook.trigger.v1.trigger_service_pb2 import CallAccepted, ReceiveCallsRequest

PREFIX = b"/t/"
ROUTE = "/t/{token}"
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{43}")
_ASKED = frozenset({"POST", "GET", "HEAD"})  # GET and HEAD are the handshakes of some senders
_NO_BODY = {"type": "http.response.body"}
_OPTIONS = {"type": "http.response.start", "status": 204, "headers": [(b"allow", call_answers.METHODS.encode())]}
_ACCEPTED, _DUPLICATE, _REPLIED = map(metrics.calls, ("accepted", "duplicate", "replied"))


class TriggerDoor:
    """Takes what is below /t/ (as sent, before any decoding); hands everything else to the app behind it."""

    def __init__(self, app: ASGIApp, streams: CallStreams, strangers: Strangers, settings: GatewaySettings) -> None:
        self._app = app
        self._streams = streams
        self._strangers = strangers
        self._largest = settings.gateway_call_bytes
        self._room = Room(settings.gateway_calls_in_flight, settings.gateway_calls_in_flight_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        path: bytes = scope["raw_path"]
        if not path.startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        scope["runhook.route"] = ROUTE
        try:
            token = path[len(PREFIX) :]
            if not _TOKEN.fullmatch(token) or "runhook.absolute" in scope:
                raise not_found()
            if scope["method"] == "OPTIONS":
                await send(dict(_OPTIONS))
                await send(_NO_BODY)
                return
            if scope["method"] not in _ASKED:
                raise not_allowed(call_answers.METHODS)
            accepted = await self._take(token, scope, receive)
            scope["runhook.routine"] = True
        except HttpError as error:
            metrics.call_refused(error.status)
            await send_failure(problem.failure, error, scope, receive, send)
        else:
            await _answer(accepted, send)

    async def _take(self, token: bytes, scope: Scope, receive: Receive) -> CallAccepted:
        client = scope["client"][0] if scope["client"] else ""
        self._strangers.enter(client, token)
        headers = scope["headers"]
        length = bodies.check_length(headers, self._largest)
        request = call_request(token, scope)
        self._room.check(token, length or 0)
        if scope["method"] == "POST":
            if any(name == b"expect" for name, _ in headers):
                await self._ask_first(client, token)
            request.call.body = await bodies.read(receive, self._largest)
        return await self._pass_on(client, token, request)

    async def _ask_first(self, client: str, token: bytes) -> None:
        """HttpError 404 when the token leads nowhere: its body is not worth sending. A HEAD is no call, whatever it is told."""
        request = ReceiveCallsRequest()
        request.call.token = token.decode()
        request.call.method = "HEAD"
        try:
            await self._pass_on(client, token, request)
        except HttpError as error:
            if error.status == 404:
                raise

    async def _pass_on(self, client: str, token: bytes, request: ReceiveCallsRequest) -> CallAccepted:
        size = len(request.call.body)
        self._room.take(token, size)
        try:
            answer = await self._streams.send(request)
        except CallLost:
            metrics.CALLS_LOST.inc()
            raise call_answers.lost() from None
        finally:
            self._room.give_back(token, size)
        if answer.HasField("accepted"):
            self._strangers.known(token)
            return answer.accepted
        error = call_answers.refusal(answer.refused)
        self._strangers.refused(client, token, error.status)
        raise error


async def _answer(accepted: CallAccepted, send: Send) -> None:
    headers = call_answers.headers_of(accepted)
    if not accepted.HasField("reply"):
        (_DUPLICATE if accepted.duplicate else _ACCEPTED).inc()
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send(_NO_BODY)
        return
    _REPLIED.inc()
    reply = accepted.reply
    if reply.media_type:
        headers.append((b"content-type", reply.media_type.encode("latin-1", "replace")))
    if reply.status_code not in (204, 304):
        headers.append((b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
