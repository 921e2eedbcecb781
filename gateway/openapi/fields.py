"""What a schema says, for people: its fields in rows, and an example made of the examples in it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gateway.openapi.schema import Schema

_WHERE = "#/components/schemas/"


class Field(NamedTuple):
    """A row. `path` is such as data.job_ids[]; `kind` its type and bounds; `always` whether the key must be there."""

    path: str
    kind: str
    always: bool
    description: str


class Reader:
    """Reads schemas of one document."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def fields(self, schema: Schema) -> list[Field]:
        """Every field of an object, those of its objects after it."""
        return list(self._inner_fields(self.resolved(schema), ""))

    def example(self, schema: Schema) -> Any:
        """A value that the schema allows, with the keys that are always there."""
        whole = self.resolved(schema)
        if "examples" in whole:
            return whole["examples"][0]
        for word in ("const", "default"):
            if word in whole:
                return whole[word]
        if "enum" in whole:
            return whole["enum"][0]
        if "anyOf" in whole:
            return self.example(whole["anyOf"][0])
        if "properties" in whole:
            return {name: self.example(one) for name, one in whole["properties"].items() if name in whole["required"]}
        if "items" in whole:
            return [self.example(whole["items"])]
        plain = {"boolean": True, "integer": whole.get("minimum", 0), "object": {}, "null": None}
        return plain.get(_types(whole)[0], "")

    def resolved(self, schema: Schema) -> Schema:
        """The schema with what it refers to, its own words first."""
        if "$ref" not in schema:
            return schema
        target = self.resolved(self._schemas[schema["$ref"].removeprefix(_WHERE)])
        own = {name: value for name, value in schema.items() if name != "$ref"}
        if "properties" in own and "properties" in target:
            said = target["properties"]
            own["properties"] = said | {name: said[name] | more for name, more in own["properties"].items()}
        return target | own

    def kind(self, schema: Schema) -> str:
        """The type by its name where it has one, else with its bounds in words.

        >>> Reader({}).kind({"type": ["integer", "null"], "minimum": 1, "maximum": 100})
        'integer or null, 1 to 100'
        """
        if "$ref" in schema:
            return str(schema["$ref"]).removeprefix(_WHERE)
        return self.meaning(schema)

    def meaning(self, schema: Schema) -> str:
        """The same without names at its beginning."""
        whole = self.resolved(schema)
        if "anyOf" in whole:
            return " or ".join(self.kind(one) for one in whole["anyOf"])
        if "properties" in whole:
            return "object"
        if "const" in whole:
            return f"always {json.dumps(whole['const'])}"
        if "enum" in whole:
            return "one of " + ", ".join(json.dumps(one) for one in whole["enum"])
        if "items" in whole:
            return f"array of {self.kind(whole['items'])}" + _bounds(whole, "Items", "entries")
        return " or ".join(_types(whole)) + _rules(whole)

    def _inner_fields(self, whole: Schema, path: str) -> Iterator[Field]:
        for name, schema in whole.get("properties", {}).items():
            inner = self.resolved(schema)
            place = f"{path}.{name}".removeprefix(".")
            always = name in whole.get("required", ())
            yield Field(place, self.kind(schema), always, inner.get("description", ""))
            yield from self._fields_below(inner, place)

    def _fields_below(self, whole: Schema, path: str) -> Iterator[Field]:
        for one in whole.get("anyOf", [whole]):
            inner = self.resolved(one)
            if "items" in inner:
                yield from self._inner_fields(self.resolved(inner["items"]), f"{path}[]")
            else:
                yield from self._inner_fields(inner, path)


def _types(schema: Schema) -> list[str]:
    kind = schema.get("type", "any JSON")
    return kind if isinstance(kind, list) else [kind]


def _rules(schema: Schema) -> str:
    said = f", {schema['format']}" if "format" in schema else ""
    if "minimum" in schema or "maximum" in schema:
        said += f", {_span(schema.get('minimum'), schema.get('maximum'))}"
    said += _bounds(schema, "Length", "characters")
    return said + (f", pattern {schema['pattern']}" if "pattern" in schema and "format" not in schema else "")


def _bounds(schema: Schema, noun: str, unit: str) -> str:
    least, most = schema.get(f"min{noun}"), schema.get(f"max{noun}")
    return "" if least is None and most is None else f", {_span(least, most)} {unit}"


def _span(least: int | None, most: int | None) -> str:
    if least is None:
        return f"at most {most:,}"
    return f"{least:,} or more" if most is None else f"{least:,} to {most:,}"
