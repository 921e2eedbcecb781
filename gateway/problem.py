"""Errors of /api/v1, the trigger door and every path that is nobody's: RFC 9457 problem details.

Members: type (always about:blank: the reason tells problems apart), title, status, detail, reason (upper snake case,
stable), errors (every bad field with its JSON path), request_id. Invariant: no body and no token is ever echoed.
"""

from starlette.responses import Response

from gateway.answers import JsonAnswer, error_headers
from gateway.http_errors import HttpError


class ProblemAnswer(JsonAnswer):
    """The same bytes under their own media type."""

    media_type = "application/problem+json"


def failure(error: HttpError, request_id: str) -> Response:
    """The error as a problem document."""
    content: dict[str, object] = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "detail": error.message,
        "reason": error.reason or error.title.upper().replace(" ", "_").replace("-", "_"),
    }
    if error.fields:
        content["errors"] = [{"field": bad.field, "message": bad.message} for bad in error.fields]
    content["request_id"] = request_id
    return ProblemAnswer(content, error.status, error_headers(error))
