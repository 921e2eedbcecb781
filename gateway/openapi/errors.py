"""Errors as they go out: the envelope on /api/v2 and /api/v3, problem details (RFC 9457) everywhere else.

Invariant: each status has its own schema, word for word where the contract fixes the words. Every answer has X-Request-Id.
"""

import re
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from gateway.openapi.schema import Schema, array, closed, integer, one_of, ref, string

REQUEST_ID = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
_RETRY_AFTER = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
HEADERS: dict[str, Schema] = {
    "RequestId": {
        "description": "Names this exchange in the gateway's log: the caller's own when it sent a sane one, else made up.",
        "required": True,
        "schema": string(pattern="^[A-Za-z0-9._-]{1,128}$"),
    },
    "RetryAfter": {
        "description": "Seconds to wait before calling again.",
        "required": True,
        "schema": integer(minimum=1),
    },
    "Allow": {
        "description": "The methods of this path.",
        "required": True,
        "schema": string(pattern="^[A-Z]+(, [A-Z]+)*$"),
    },
    "ETag": {
        "description": "Names this version of it, for `If-Match`.",
        "required": True,
        "schema": string(pattern='^"[^"]+"$'),
    },
    "Challenge": {"description": "The scheme to come with.", "required": True, "schema": string(const="Bearer")},
}
_BY_STATUS: dict[int, dict[str, Schema]] = {
    401: {"WWW-Authenticate": {"$ref": "#/components/headers/Challenge"}},
    405: {"Allow": {"$ref": "#/components/headers/Allow"}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}
#: Every status that an error can have: its name in the document and when it is sent.
ERRORS = {
    400: (
        "BadRequest",
        "The request was wrong: every bad field is named, at most a hundred of them. Nothing was stored.",
    ),
    401: ("Unauthorized", "No token, a malformed one, an unknown one, one that expired or was revoked."),
    403: ("Forbidden", "The token is another account's, or its permission set does not reach as far."),
    404: ("NotFound", "There is no such thing in this account. An id of another form is not found either."),
    405: ("MethodNotAllowed", "Another method was used on this path."),
    408: ("RequestTimeout", "The body did not arrive in time."),
    409: ("Conflict", "It cannot be done as things are: something is taken, full, or not in that state."),
    412: ("PreconditionFailed", "It has changed since it was read: `If-Match` names another version."),
    413: ("RequestEntityTooLarge", "The body is larger than 1 MiB."),
    415: ("UnsupportedMediaType", "The media type, its charset or an encoding is not taken here."),
    429: ("TooManyRequests", "Too many requests in too short a time."),
    500: ("InternalServerError", "A fault of ours. The log has its cause under the request id."),
    501: ("NotImplemented", "The service behind this route is of another release."),
    503: (
        "ServiceUnavailable",
        "A service behind the gateway is away, too slow or has no room. What a change came to is unknown.",
    ),
}
_CAPITAL = re.compile("(?<=[a-z])(?=[A-Z])")
_ENVELOPE_WORDS = {
    400: string(
        minLength=1,
        examples=["The request was invalid. Please double check the provided data and try again."],
    ),
    401: string(const="Invalid token."),
    403: one_of(
        "Access denied: Token is not scoped to account.",
        "Forbidden: You do not have permission to access this resource.",
    ),
    404: string(const="The requested resource was not found. Please check that you have the proper permissions."),
}


class ErrorFormat(NamedTuple):
    """A way to write errors: its name in the document, its media type, its statuses, its schema by status."""

    name: str
    media_type: str
    statuses: Collection[int]
    schema: Callable[[int], Schema]


def _envelope(status: int) -> Schema:
    about = {
        "code": integer(const=status),
        "is_success": {"const": False},
        "user_message": _ENVELOPE_WORDS.get(status, string(minLength=1, examples=["What was wrong, for people."])),
        "developer_message": {"type": "null"} if status in (401, 403) else string(const=""),
    }
    fields = {
        "type": ["object", "null"],
        "description": "What is wrong with each bad field, by its JSON path.",
        "additionalProperties": {"type": "string"},
        "examples": [{"name": "required key not provided"}],
    }
    return closed({"status": closed(about), "data": fields if status == 400 else {"type": "null"}})


def _problem(status: int) -> Schema:
    words = _CAPITAL.sub(" ", ERRORS[status][0])
    own = {
        "title": {"examples": [words]},
        "status": {"const": status},
        "reason": {"examples": [words.upper().replace(" ", "_")]},
    }
    return ref("Problem", properties=own)


PROBLEM = closed(
    {
        "type": string("The reason tells problems apart.", const="about:blank"),
        "title": string("The status in words."),
        "status": integer("The HTTP status.", minimum=400, maximum=599),
        "detail": string("For people.", minLength=1, examples=["What was wrong and what to do."]),
        "reason": string("For programs: stable.", pattern="^[A-Z][A-Z0-9_]*$", examples=["SIGNATURE_INVALID"]),
        "errors": array(
            closed({"field": string("JSON path."), "message": string("What must be there instead.")}),
            "Every bad field of a bad request.",
            minItems=1,
            maxItems=100,
        ),
        "request_id": string("As in X-Request-Id.", examples=["28e2db7874758fae30d2e18a19f9f2b2"]),
    },
    "Problem details as in RFC 9457.",
    optional=["errors"],
)
ENVELOPE = ErrorFormat("Envelope", "application/json", ERRORS.keys() - {412, 415}, _envelope)
PROBLEMS = ErrorFormat("Problem", "application/problem+json", ERRORS.keys(), _problem)


def references(form: ErrorFormat, statuses: Iterable[int]) -> dict[str, Schema]:
    """The answers of an operation that can fail in these ways."""
    return {str(status): {"$ref": f"#/components/responses/{_name(form, status)}"} for status in sorted(statuses)}


def answers() -> dict[str, Schema]:
    """Every way to fail, once per format, for the document's components."""
    return {
        _name(form, status): _answer(form, status) for form in (ENVELOPE, PROBLEMS) for status in sorted(form.statuses)
    }


def _answer(form: ErrorFormat, status: int) -> Schema:
    return {
        "description": ERRORS[status][1],
        "headers": REQUEST_ID | _BY_STATUS.get(status, {}),
        "content": {form.media_type: {"schema": form.schema(status)}},
    }


def _name(form: ErrorFormat, status: int) -> str:
    return form.name + ERRORS[status][0]
