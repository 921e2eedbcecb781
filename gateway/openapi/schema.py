"""How JSON Schemas are written here: a few makers for what stands in the document a hundred times.

Invariant: an object that we answer with is closed. Every key is there unless it is named as optional, and no other is.
"""

from collections.abc import Collection, Mapping
from typing import Any

Schema = dict[str, Any]


def ref(name: str, description: str = "", **rules: Any) -> Schema:
    """A schema of the document by its name; what is said here stands beside what it says of itself."""
    return {"$ref": f"#/components/schemas/{name}"} | _described(description, rules)


def string(description: str = "", **rules: Any) -> Schema:
    """Text."""
    return {"type": "string"} | _described(description, rules)


def integer(description: str = "", **rules: Any) -> Schema:
    """A whole number."""
    return {"type": "integer"} | _described(description, rules)


def number(description: str = "", **rules: Any) -> Schema:
    """A number, whole or not."""
    return {"type": "number"} | _described(description, rules)


def boolean(description: str = "") -> Schema:
    """True or false."""
    return {"type": "boolean"} | _described(description, {})


def one_of(*values: str, description: str = "") -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(values)} | _described(description, {})


def array(items: Schema, description: str = "", **rules: Any) -> Schema:
    """A list."""
    return {"type": "array", "items": items} | _described(description, rules)


def closed(properties: Mapping[str, Schema], description: str = "", *, optional: Collection[str] = ()) -> Schema:
    """An object with these keys and no other; those that are not optional are always there."""
    return {
        "type": "object",
        **_described(description, {}),
        "required": [name for name in properties if name not in optional],
        "properties": dict(properties),
        "additionalProperties": False,
    }


def or_null(schema: Schema, description: str = "") -> Schema:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]} | _described(description, {})


def _described(description: str, rules: Mapping[str, Any]) -> Schema:
    return ({"description": description} if description else {}) | dict(rules)
