"""Answers of /api/v2 and /api/v3: `{"data": ..., "status": {...}}`, word for word what clients of that API read.

Invariant: whatever happens, the body is JSON with status.code; clients treat an answer without it as an outage.
"""

from starlette.responses import Response

from gateway.answers import JsonAnswer, error_headers
from gateway.http_errors import HttpError

_INVALID = "The request was invalid. Please double check the provided data and try again."
_UNKNOWN_TOKEN = "Invalid token."
_WRONG_ACCOUNT = "Access denied: Token is not scoped to account."
_FORBIDDEN = "Forbidden: You do not have permission to access this resource."
_NOT_FOUND = "The requested resource was not found. Please check that you have the proper permissions."


def success(status: int, data: object, *, extra: object = None, is_success: bool | None = None) -> Response:
    """A good answer. `extra` (paging) and status.is_success are left out where the contract shows none."""
    about: dict[str, object] = {"code": status}
    if is_success is not None:
        about["is_success"] = is_success
    content = {"data": data, "status": about}
    if extra is not None:
        content["extra"] = extra
    return JsonAnswer(content, status)


def failure(error: HttpError, request_id: str) -> Response:
    """An error. `data` has the bad fields of a 400, else null."""
    content = {
        "status": {
            "code": error.status,
            "is_success": False,
            "user_message": _user_message(error),
            "developer_message": None if error.status in (401, 403) else "",
        },
        "data": {bad.field: bad.message for bad in error.fields} or None,
    }
    return JsonAnswer(content, error.status, error_headers(error))


def _user_message(error: HttpError) -> str:
    if error.status == 403:
        return _WRONG_ACCOUNT if error.reason == "WRONG_ACCOUNT" else _FORBIDDEN
    if error.status == 400 and error.fields:
        return _INVALID
    return {401: _UNKNOWN_TOKEN, 404: _NOT_FOUND}.get(error.status, error.message)
