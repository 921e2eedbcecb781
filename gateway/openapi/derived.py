"""Schemas of requests, from the shapes that the handlers read them with.

A shape says which keys there are and of which type. Which values are allowed is the services' rule; it is said here, beside.
"""

from collections.abc import Collection, Mapping

from gateway.openapi.schema import Schema
from gateway.shapes import Shape


def request_of(shape: type[Shape], rules: Mapping[str, Schema], *, required: Collection[str] = ()) -> Schema:
    """The shape's keys in their order, each with its rule in place of its bare type. KeyError for a rule without a key."""
    made = shape.model_json_schema()
    properties = _ruled(shape, made, rules)
    needed = [name for name in properties if name in made.get("required", ()) or name in required]
    return {"type": "object", **({"required": needed} if needed else {}), "properties": properties}


def parameters_of(shape: type[Shape], rules: Mapping[str, Schema]) -> list[Schema]:
    """The query's parameters, a key of the shape each."""
    made = shape.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            **({"required": True} if name in made.get("required", ()) else {}),
            "schema": schema,
        }
        for name, schema in _ruled(shape, made, rules).items()
    ]


def _ruled(shape: type[Shape], made: Schema, rules: Mapping[str, Schema]) -> dict[str, Schema]:
    properties: dict[str, Schema] = made["properties"]
    unknown = rules.keys() - properties.keys()
    if unknown:
        raise KeyError(f"{shape.__name__} has no {', '.join(unknown)}")
    return {name: rules.get(name) or _plain(schema) for name, schema in properties.items()}


def _plain(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name not in ("title", "default")}
