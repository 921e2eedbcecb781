"""An operation as a command line that can be pasted: the gateway, the account and the token come from variables."""

import json
import re
import shlex
from typing import Any
from urllib.parse import quote

from gateway.openapi.fields import Reader
from gateway.openapi.schema import Schema

_PLACE = re.compile(r"\{(\w+)\}")
_IMPLIED = {"get": False, "post": True}  # what curl does without a word, without and with data


def command(method: str, path: str, operation: Schema, reader: Reader) -> str:
    """The lines of the command."""
    schemas = {one["name"]: one["schema"] for one in operation.get("parameters", ())}
    lines = [f'curl{_method(method, operation)} "$RUNHOOK{_filled(path, schemas, reader)}{_query(operation, reader)}"']
    if operation["security"]:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    body = _body(operation)
    if body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(body, indent=2))}"]
    return " \\\n  ".join(lines)


def _method(method: str, operation: Schema) -> str:
    return "" if _IMPLIED.get(method) is (_body(operation) is not None) else f" -X {method.upper()}"


def _filled(path: str, schemas: dict[str, Schema], reader: Reader) -> str:
    def value(place: re.Match[str]) -> str:
        return "$ACCOUNT" if place[1] == "account_id" else str(reader.example(schemas[place[1]]))

    return _PLACE.sub(value, path)


def _query(operation: Schema, reader: Reader) -> str:
    needed = [one for one in operation.get("parameters", ()) if one["in"] == "query" and one.get("required")]
    said = "&".join(f"{one['name']}={quote(str(reader.example(one['schema'])))}" for one in needed)
    return f"?{said}" if said else ""


def _body(operation: Schema) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example")
