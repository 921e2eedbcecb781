"""What goes back to a client: compact UTF-8 JSON, and error headers that both formats of errors share."""

import json
import math
from typing import Any

from starlette.responses import Response

from gateway.http_errors import HttpError

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class JsonAnswer(Response):
    """A JSON answer; key order is the caller's."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Compact, non-ASCII unescaped."""
        return _ENCODER.encode(content).encode()


def error_headers(error: HttpError) -> dict[str, str]:
    """Retry-After in whole seconds, rounded up, and what else the error carries."""
    headers = dict(error.headers)
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401 and not headers.setdefault("www-authenticate", "Bearer"):
        del headers["www-authenticate"]  # its sender has a way of its own, for which HTTP has no word
    if error.close:
        headers["connection"] = "close"
    return headers
