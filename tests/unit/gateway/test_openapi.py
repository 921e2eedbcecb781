"""The document is valid OpenAPI 3.1, is the committed one, and has an operation for each route and none besides."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from schemathesis.specs.openapi.definitions import OPENAPI_31

from gateway.openapi.derived import request_of
from gateway.openapi.document import document, rendered
from gateway.openapi.fields import Reader
from gateway.openapi.served import pages
from gateway.routes import ALIVE, ROUTES
from gateway.shapes import Shape

ROOT = Path(__file__).parents[3]
DOCUMENT = document()
SCHEMAS = DOCUMENT["components"]["schemas"]
READER = Reader(SCHEMAS)
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
ROUTE_OF_THE_DOOR = "/t/{token}"


def validator(schema: Any) -> Draft202012Validator:
    """Validates values against a schema of the document."""
    return Draft202012Validator(schema | {"components": {"schemas": SCHEMAS}}, format_checker=FormatChecker())


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects_in(child)


def bodies() -> Iterator[tuple[str, Any]]:
    """Each operation's JSON body with its schema and its example."""
    for name, operation in OPERATIONS.items():
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if media_type == "application/json":
                yield name, content


def good_answers() -> Iterator[tuple[str, Any]]:
    """Each schema of an answer that is no error."""
    for name, operation in OPERATIONS.items():
        for answer in operation["responses"].values():
            for content in answer.get("content", {}).values():
                yield name, content["schema"]


def test_the_committed_document_is_the_one_that_the_code_makes() -> None:
    assert (ROOT / "docs/openapi.json").read_bytes() == rendered(), "make openapi writes it"


def test_the_document_is_valid_openapi() -> None:
    Draft202012Validator.check_schema(OPENAPI_31)
    Draft202012Validator(OPENAPI_31, format_checker=FormatChecker()).validate(DOCUMENT)


def test_every_schema_in_it_is_a_json_schema() -> None:
    for name, schema in SCHEMAS.items():
        Draft202012Validator.check_schema(schema), name
    for found in objects_in([DOCUMENT["paths"], DOCUMENT["components"]]):
        if isinstance(found.get("schema"), dict):
            Draft202012Validator.check_schema(found["schema"])


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    references = {found["$ref"] for found in objects_in(DOCUMENT) if "$ref" in found}
    made = {f"#/components/{kind}/{name}" for kind in ("schemas", "headers") for name in DOCUMENT["components"][kind]}
    made |= {f"#/components/responses/{name}" for name in DOCUMENT["components"]["responses"]}
    assert references == made


def test_every_route_has_an_operation_and_no_operation_lacks_a_route() -> None:
    routes = {f"{row.method} {row.path}" for row in ROUTES}
    beside = {f"GET {path}" for path in (ALIVE, *pages())}
    assert OPERATIONS.keys() == routes | beside | {f"POST {ROUTE_OF_THE_DOOR}", f"OPTIONS {ROUTE_OF_THE_DOOR}"}


def test_errors_are_in_the_format_of_the_route() -> None:
    for row in ROUTES:
        expected = "Envelope" if row.failure.__module__ == "gateway.envelope" else "Problem"
        answers = OPERATIONS[f"{row.method} {row.path}"]["responses"].values()
        named = [answer["$ref"].rpartition("/")[2] for answer in answers if "$ref" in answer]
        assert named
        assert all(name.startswith(expected) for name in named)


def test_operations_have_names_of_their_own_a_line_of_words_and_a_known_tag() -> None:
    assert max(Counter(operation["operationId"] for operation in OPERATIONS.values()).values()) == 1
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for operation in OPERATIONS.values():
        assert 5 < len(operation["summary"]) < 60
        assert not operation["summary"].endswith(".")
        assert set(operation["tags"]) <= tags


def test_every_place_of_a_path_is_a_parameter() -> None:
    for name, operation in OPERATIONS.items():
        declared = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", name))


def test_every_answer_has_a_request_id() -> None:
    for operation in OPERATIONS.values():
        for answer in operation["responses"].values():
            if "$ref" in answer:
                answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
            assert "X-Request-Id" in answer["headers"]


@pytest.mark.parametrize(("name", "content"), list(bodies()))
def test_the_example_of_a_body_is_what_its_schema_says(name: str, content: Any) -> None:
    validator(content["schema"]).validate(content["example"])


@pytest.mark.parametrize(("name", "schema"), list(good_answers()))
def test_the_example_of_an_answer_is_what_its_schema_says(name: str, schema: Any) -> None:
    validator(schema).validate(READER.example(schema))


@pytest.mark.parametrize("name", DOCUMENT["components"]["responses"])
def test_the_example_of_an_error_is_what_its_schema_says(name: str) -> None:
    for content in DOCUMENT["components"]["responses"][name]["content"].values():
        validator(content["schema"]).validate(READER.example(content["schema"]))


def test_objects_in_answers_are_closed_and_objects_in_requests_are_not() -> None:
    for name, schema in SCHEMAS.items():
        if "properties" in schema:
            # What is erased is gone for good: there a misspelt key must not be ignored.
            open_to_more = name.endswith("Request") and name != "EraseRequest"
            assert ("additionalProperties" in schema) is not open_to_more, name


def test_a_rule_for_a_key_that_a_shape_does_not_have_is_refused() -> None:
    class Body(Shape):
        name: str

    with pytest.raises(KeyError, match="nam"):
        request_of(Body, {"nam": {"type": "string"}})
