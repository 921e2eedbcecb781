"""One operation: a method on a path, what it takes, what it answers, how it can fail, as OpenAPI writes it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.openapi.errors import PROBLEMS, REQUEST_ID, ErrorFormat, references
from gateway.openapi.schema import Schema, closed, ref, string

JSON = "application/json"
_PLACE = re.compile(r"\{(\w+)\}")
#: What stands in the places of paths. The text forms are not bounds: what has another form is not found.
PLACES: dict[str, Schema] = {
    "account_id": ref("Number", "The account. It must be the token's own."),
    "webhook_id": ref("WebhookId"),
    "subscription_id": ref("WebhookId"),
    "event_id": ref("EventId"),
    "token_id": ref("Number", "The service token's number, not its text."),
    "delivery_id": ref("Number", "The delivery."),
    "recovery_id": ref("Number", "The recovery."),
    "erasure_id": ref("Number", "The erasure."),
    "task_id": ref("Number", "The task."),
    "window_id": ref("Number", "The window."),
    "plan_id": ref("Number", "The plan."),
    "trigger_id": ref("TriggerId"),
    "execution_id": ref("ExecutionId"),
    "run_id": ref("Number", "The run."),
    "artifact_name": string("The artifact.", examples=["run_results.json"]),
    "token": string("The end of the trigger's URL.", pattern="^[A-Za-z0-9_-]{43}$"),
}
CALLER_ERRORS = (401, 403, 404, 405, 429, 500, 501, 503)
QUERY_ERRORS = (400,)
BODY_ERRORS = (400, 408, 413)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """`errors` are the statuses it can fail with; those of every caller, query and body need not be named.

    A `public` operation asks nobody who calls: it fails with `errors` alone.
    """

    method: str
    path: str
    id: str
    summary: str
    answers: Mapping[int, Schema]
    description: str = ""
    query: Sequence[Schema] = ()
    body: Schema | None = None
    errors: Sequence[int] = ()
    errors_as: ErrorFormat = PROBLEMS
    public: bool = False

    def written(self, tag: str) -> Schema:
        """The operation object."""
        parameters = [*_places(self.path), *self.query]
        answers = {str(status): answer for status, answer in self.answers.items()}
        return {
            "tags": [tag],
            "operationId": self.id,
            "summary": self.summary,
            **({"description": self.description} if self.description else {}),
            **({"parameters": parameters} if parameters else {}),
            **({"requestBody": self.body} if self.body else {}),
            "responses": answers | references(self.errors_as, self._statuses()),
            "security": [] if self.public else [{"bearer": []}, {"token": []}],
        }

    def _statuses(self) -> set[int]:
        statuses = set(self.errors)
        if not self.public:
            statuses.update(CALLER_ERRORS, QUERY_ERRORS if self.query else (), BODY_ERRORS if self.body else ())
        return statuses


def json_body(schema: Schema, example: object, *, required: bool = True) -> Schema:
    """A body of JSON with an example that works."""
    return {"required": required, "content": {JSON: {"schema": schema, "example": example}}}


def answer(description: str, schema: Schema) -> Schema:
    """A good answer in JSON."""
    return {"description": description, "headers": REQUEST_ID, "content": {JSON: {"schema": schema}}}


def versioned(description: str, schema: Schema) -> Schema:
    """A good answer in JSON with the ETag of what it shows."""
    made = answer(description, schema)
    return made | {"headers": made["headers"] | {"ETag": {"$ref": "#/components/headers/ETag"}}}


#: What goes with an update, as one of its parameters.
IF_MATCH: Schema = {
    "name": "If-Match",
    "in": "header",
    "description": "The `ETag` of what was read: 412 when it has changed since. Absent or `*`: whatever it is.",
    "schema": string(pattern='^([*]|"[0-9]{1,18}")$'),
}
#: The answer of a deletion.
NO_CONTENT: Schema = {"description": "It is gone.", "headers": REQUEST_ID}


def enveloped(status: int, description: str, data: Schema, *, is_success: bool = False, extra: str = "") -> Schema:
    """A good answer of /api/v2 and v3; `extra` names the schema of what stands beside the data."""
    about: dict[str, Schema] = {"code": {"const": status}}
    if is_success:
        about["is_success"] = {"const": True}
    content = {"data": data, "status": closed(about)}
    if extra:
        content["extra"] = ref(extra)
    return answer(description, closed(content))


def _places(path: str) -> list[Schema]:
    return [{"name": name, "in": "path", "required": True, "schema": PLACES[name]} for name in _PLACE.findall(path)]
