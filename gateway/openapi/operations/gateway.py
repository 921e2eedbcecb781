"""The gateway itself: whether it lives, and what it says of itself."""

from collections.abc import Mapping

from gateway.openapi.errors import REQUEST_ID
from gateway.openapi.operation import JSON, Operation
from gateway.openapi.schema import Schema

TAG = "The gateway"
ROOT = "/"
ALIVE = "/healthz"
DOCUMENT = "/openapi.json"
PAGE = "/docs"
SCHEMAS: Mapping[str, Schema] = {}


def _page(path: str, id_: str, summary: str, what: str, media_type: str, schema: Schema) -> Operation:
    answer = {"description": what, "headers": REQUEST_ID, "content": {media_type: {"schema": schema}}}
    return Operation(
        method="get", path=path, id=id_, summary=summary, answers={200: answer}, errors=(405, 500, 503), public=True
    )


OPERATIONS = (
    _page(ROOT, "getRoot", "Ask who this is", "A line of text.", "text/plain", {"type": "string"}),
    _page(ALIVE, "isAlive", "Ask whether the gateway lives", "It does.", "text/plain", {"const": "alive\n"}),
    _page(DOCUMENT, "getDocument", "Read this document", "OpenAPI 3.1.", JSON, {"type": "object"}),
    _page(PAGE, "getPage", "Read this document as a page", "For people.", "text/html", {"type": "string"}),
)
