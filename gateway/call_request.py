"""An HTTP request as a call for trigger_svc: what of its head goes along, and what of it is wrong by itself.

Invariant: the call has the bytes that the sender signed, and every header that may prove who the sender is.
"""

import re
from functools import lru_cache

from starlette.types import Scope

from chassis import tracing
from gateway.bodies import Headers
from gateway.http_errors import HttpError
from runhook.trigger.v1.trigger_service_pb2 import ReceiveCallsRequest

#: What belongs to the connection, not to the call; and what is said among our own processes.
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade "
    b"expect content-length host".split()
) | {tracing.INNER_KEY.encode()}
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')


def call_request(token: bytes, scope: Scope) -> ReceiveCallsRequest:
    """The call but for its body. HttpError 400 when it has more than one Content-Type."""
    media_type = _media_type(scope["headers"])
    request = ReceiveCallsRequest()
    call = request.call
    call.token = token.decode()
    call.media_type = media_type
    call.method = scope["method"]
    call.query = scope["query_string"]
    add = call.headers.add
    for name, value in scope["headers"]:
        if name not in _HOP_BY_HOP:
            add(name=_text(name), value=value)
    span = tracing.current.get()
    if span is not None:
        add(name=tracing.INNER_KEY, value=span.traceparent.encode())
    return request


def _media_type(headers: Headers) -> str:
    found = [value for name, value in headers if name == b"content-type"]
    if len(found) > 1 or (found and b"," in found[0] and b"," in _QUOTED.sub(b"", found[0])):
        raise HttpError(400, "send one Content-Type", reason="MEDIA_TYPE_AMBIGUOUS")
    return found[0].strip().decode("latin-1") if found else ""


@lru_cache(maxsize=1024)
def _text(name: bytes) -> str:
    return name.decode("latin-1")
