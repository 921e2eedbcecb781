"""The document as one page for people: no script, nothing loaded, an anchor per operation.

Invariant: every text of the document is escaped on its way into the page; only `_prose` adds markup, for `code` and **bold**.
Names of operations and of errors are plain words, and serve as anchors.
"""

import base64
import hashlib
import json
import re
from html import escape
from pathlib import Path
from typing import Any

from gateway.openapi import curl
from gateway.openapi.fields import Field, Reader
from gateway.openapi.schema import Schema

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
#: The page's Content-Security-Policy.
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_CODE = re.compile(r"`([^`]+)`")
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
VARIABLES = "export RUNHOOK=http://127.0.0.1:8080 ACCOUNT=1 TOKEN=rhk_..."


def rendered(document: dict[str, Any]) -> bytes:
    """The page in UTF-8."""
    info = document["info"]
    title = f"{escape(info['title'])} API {escape(info['version'])}"
    sections = "".join(_section(document, tag) for tag in document["tags"])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n<body>'
        f'<h1>{title}</h1><p class="dim">{escape(info["summary"])}. For programs: '
        f'<a href="/openapi.json">openapi.json</a>, OpenAPI {escape(document["openapi"])}.</p>'
        f"{_prose(info['description'])}<p>The commands below take three variables:</p><pre>{escape(VARIABLES)}</pre>"
        f"<nav>{''.join(_contents(document, tag) for tag in document['tags'])}"
        f'<p><a href="#types">Types</a>, <a href="#errors">errors</a></p></nav>\n'
        f"<main>{sections}{_types(document)}{_errors(document)}</main></body></html>\n"
    ).encode()


def _operations(document: dict[str, Any], tag: Schema) -> list[tuple[str, str, Schema]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag["name"] in operation["tags"]
    ]


def _contents(document: dict[str, Any], tag: Schema) -> str:
    links = "".join(
        f'<li><a href="#{operation["operationId"]}">{escape(operation["summary"])}</a></li>'
        for _, _, operation in _operations(document, tag)
    )
    return f"<strong>{escape(tag['name'])}</strong><ul>{links}</ul>"


def _section(document: dict[str, Any], tag: Schema) -> str:
    reader = Reader(document["components"]["schemas"])
    articles = "".join(_article(*one, reader) for one in _operations(document, tag))
    return f"<section><h2>{escape(tag['name'])}</h2>{_prose(tag['description'])}{articles}</section>\n"


def _article(method: str, path: str, operation: Schema, reader: Reader) -> str:
    anchor = operation["operationId"]
    return (
        f'<article id="{anchor}"><h3>{escape(operation["summary"])}</h3>'
        f'<p><a href="#{anchor}"><code>{method.upper()} {escape(path)}</code></a></p>{_prose(operation.get("description", ""))}'
        f"<pre>{escape(curl.command(method, path, operation, reader))}</pre>"
        f"{_parameters(operation, reader)}{_request(operation, reader)}{_answers(operation, reader)}</article>\n"
    )


def _parameters(operation: Schema, reader: Reader) -> str:
    rows = []
    for one in operation.get("parameters", ()):
        kind = f"{one['in']}, {reader.kind(one['schema'])}"
        about = reader.resolved(one["schema"]).get("description", "")
        rows.append(Field(one["name"], kind, one.get("required", False), about))
    return _rows("Parameters", rows)


def _request(operation: Schema, reader: Reader) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    title = f"Body: {', '.join(content)}"
    if operation.get("requestBody", {}).get("required") is False:
        title += ", may be absent"
    return "".join(
        _rows(title, reader.fields(one["schema"])) or f"<h4>{escape(title)}</h4>" for one in list(content.values())[:1]
    )


def _answers(operation: Schema, reader: Reader) -> str:
    shown, failing = "", []
    for status, answer in operation["responses"].items():
        if "$ref" in answer:
            failing.append(f'<a href="#{answer["$ref"].rpartition("/")[2]}">{status}</a>')
            continue
        shown += f"<h4>{status}</h4>{_prose(answer['description'])}"
        for media_type, content in answer.get("content", {}).items():
            shown += _content(media_type, content["schema"], reader)
    return f"{shown}<h4>Errors</h4><p>{' '.join(failing)}</p>"


def _content(media_type: str, schema: Schema, reader: Reader) -> str:
    rows = reader.fields(schema)
    if not rows:
        return f'<p class="dim">{escape(media_type)}</p>'
    example = json.dumps(reader.example(schema), indent=2, ensure_ascii=False)
    return f"<pre>{escape(example)}</pre><details><summary>Its fields</summary>{_rows('', rows)}</details>"


def _rows(title: str, rows: list[Field]) -> str:
    if not rows:
        return ""
    heading = f"<h4>{escape(title)}</h4>" if title else ""
    return f"{heading}<dl>{''.join(_row(one) for one in rows)}</dl>"


def _row(field: Field) -> str:
    needed = "" if field.always else ' <span class="dim">optional</span>'
    return (
        f"<dt><code>{escape(field.path)}</code>{needed}</dt>"
        f'<dd><span class="kind">{escape(field.kind)}</span>{_prose(field.description)}</dd>'
    )


def _errors(document: dict[str, Any]) -> str:
    reader = Reader(document["components"]["schemas"])
    shown = ""
    for name, answer in document["components"]["responses"].items():
        ((media_type, content),) = answer["content"].items()
        example = json.dumps(reader.example(content["schema"]), indent=2)
        headers = ", ".join(answer["headers"])
        shown += (
            f'<article id="{name}"><h3>{name}</h3>{_prose(answer["description"])}'
            f'<p class="dim">{escape(media_type)}; headers {escape(headers)}</p><pre>{escape(example)}</pre></article>'
        )
    return f'<section id="errors"><h2>Errors</h2>{shown}</section>'


def _types(document: dict[str, Any]) -> str:
    """What the names of types mean; objects are told field by field where they stand."""
    schemas = document["components"]["schemas"]
    reader = Reader(schemas)
    rows = [
        Field(name, reader.meaning(schema), True, schema.get("description", ""))
        for name, schema in schemas.items()
        if "properties" not in schema
    ]
    return f'<section id="types"><h2>Types</h2>{_rows("", rows)}</section>'


def _prose(text: str) -> str:
    paragraphs = (
        _BOLD.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", escape(one))) for one in text.split("\n\n")
    )
    return "".join(f"<p>{one}</p>" for one in paragraphs if one)
