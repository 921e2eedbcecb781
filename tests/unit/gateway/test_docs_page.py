"""The page for people: an anchor and a command per operation, nothing loaded, nothing run, every text escaped."""

import base64
import copy
import hashlib
import re
import shlex
from html.parser import HTMLParser

import pytest

from gateway.openapi import page
from gateway.openapi.curl import command
from gateway.openapi.document import document
from gateway.openapi.fields import Reader

DOCUMENT = document()
PAGE = page.rendered(DOCUMENT).decode()
OPERATIONS = [
    (method, path, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]
EMPTY_ELEMENTS = {"meta"}


class Elements(HTMLParser):
    """What a browser would see: elements with their attributes. AssertionError where they do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in EMPTY_ELEMENTS:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


ELEMENTS = Elements(PAGE).seen


def test_every_operation_has_an_anchor_and_every_link_leads_somewhere() -> None:
    anchors = [attributes["id"] for _, attributes in ELEMENTS if "id" in attributes]
    assert len(anchors) == len(set(anchors))
    assert {operation["operationId"] for _, _, operation in OPERATIONS} <= set(anchors)
    links = {attributes["href"] for _, attributes in ELEMENTS if "href" in attributes}
    assert links - {f"#{anchor}" for anchor in anchors} == {"/openapi.json"}


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    assert {tag for tag, _ in ELEMENTS} & {"script", "link", "img", "iframe", "object", "form", "base"} == set()
    assert not [name for _, attributes in ELEMENTS for name in attributes if name == "src" or name.startswith("on")]
    assert "url(" not in page.STYLE
    assert "@import" not in page.STYLE


def test_its_policy_allows_its_own_style_and_no_other() -> None:
    style = re.search("<style>(.*?)</style>", PAGE, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert page.POLICY.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert not [attributes for _, attributes in ELEMENTS if "style" in attributes]


def test_it_is_made_for_phones_and_for_the_dark() -> None:
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in ELEMENTS
    assert "prefers-color-scheme: dark" in page.STYLE


def test_text_of_the_document_is_text_on_the_page() -> None:
    hostile = copy.deepcopy(DOCUMENT)
    evil = '<img src=x onerror="alert(1)"> `<b>` & **<i>**'
    for operation in hostile["paths"]["/healthz"].values():
        operation["summary"] = operation["description"] = evil
    hostile["tags"][0]["description"] = evil
    hostile["components"]["schemas"]["Webhook"]["properties"]["name"]["description"] = evil
    assert Elements(page.rendered(hostile).decode()).seen.count(("img", {"src": "x", "onerror": "alert(1)"})) == 0
    assert "<code>&lt;b&gt;</code> &amp; <strong>&lt;i&gt;</strong>" in page.rendered(hostile).decode()


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=lambda one: str(one)[:60])
def test_the_command_of_an_operation_is_one_that_a_shell_reads(
    method: str, path: str, operation: dict[str, object]
) -> None:
    line = command(method, path, operation, Reader(DOCUMENT["components"]["schemas"]))
    program, *words = shlex.split(line)
    assert program == "curl"
    [url] = [word for word in words if word.startswith("$RUNHOOK/")]
    assert "{" not in url
    assert ("Authorization: Bearer $TOKEN" in words) is bool(operation["security"])
    assert ("-d" in words) is ("requestBody" in operation)
