"""Which path leads where: segments as they were sent, decoded one by one."""

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.paths import Paths
from gateway.routes import ROUTES

LIST = "/a/{account_id}/hooks"
ONE = "/a/{account_id}/hook/{hook_id}"
TEST = "/a/{account_id}/hook/{hook_id}/test"
WORD = "/a/self/hooks"


def app_of(template: str) -> ASGIApp:
    """An app to be told apart by its name."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nobody calls it")

    app.__name__ = template
    return app


PATHS = Paths({template: app_of(template) for template in (LIST, ONE, TEST, WORD)})

FOUND: list[tuple[bytes, str, dict[str, str]]] = [
    (b"/a/1/hooks", LIST, {"account_id": "1"}),
    (b"/a/1/hooks/", LIST, {"account_id": "1"}),
    (b"/a/1/hook/x", ONE, {"account_id": "1", "hook_id": "x"}),
    (b"/a/1/hook/x/test", TEST, {"account_id": "1", "hook_id": "x"}),
    (b"/a/self/hooks", WORD, {}),
    (b"/%61/1/h%6Fok/x", ONE, {"account_id": "1", "hook_id": "x"}),
    (b"/a/1/hook/x%2Ftest", ONE, {"account_id": "1", "hook_id": "x/test"}),
    (b"/a/1/hook/%2e%2e", ONE, {"account_id": "1", "hook_id": ".."}),
    (b"/a/1/hook/%00", ONE, {"account_id": "1", "hook_id": "\x00"}),
    (b"/a/1/hook/%C3%BC%E2%82%AC", ONE, {"account_id": "1", "hook_id": "ü€"}),
    (b"/a/1/hook/%ff", ONE, {"account_id": "1", "hook_id": "\ufffd"}),
    (b"/a/1/hook/%ED%A0%80", ONE, {"account_id": "1", "hook_id": "\ufffd" * 3}),
    (b"/a/1/hook/\xff", ONE, {"account_id": "1", "hook_id": "\ufffd"}),
    (b"/a/1/hook/%", ONE, {"account_id": "1", "hook_id": "%"}),
    (b"/a/1/hook/%zz%2", ONE, {"account_id": "1", "hook_id": "%zz%2"}),
    (b"/a/1/hook/%2500", ONE, {"account_id": "1", "hook_id": "%00"}),
    (b"/a/1/hook/+", ONE, {"account_id": "1", "hook_id": "+"}),
]


@pytest.mark.parametrize(("path", "template", "values"), FOUND)
def test_a_path_leads_to_its_template_with_what_stands_in_its_places(
    path: bytes, template: str, values: dict[str, str]
) -> None:
    found = PATHS.find(path)
    assert found is not None
    assert (getattr(found.app, "__name__", None), found.values) == (template, values)


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"/",
        b"//",
        b"*",
        b"/a",
        b"/a/1",
        b"/a/1/hook",
        b"/a/1/hook/",
        b"/a/1/hook//",
        b"/a//hook/x",
        b"//a/1/hooks",
        b"/a/1/hooks//",
        b"/a/1%2Fhooks",
        b"/a%2F1/hooks",
        b"/A/1/hooks",
        b"/a/1/hook/x/test/more",
        b"/a/self/hook/x/test/more",
        b"/" * 10_000,
        b"/%" * 10_000,
    ],
)
def test_what_is_no_path_leads_nowhere(path: bytes) -> None:
    assert PATHS.find(path) is None


def test_the_root_is_a_path_too() -> None:
    paths = Paths({"/": app_of("/")})
    assert paths.find(b"/") is not None
    assert paths.find(b"//") is None


def test_every_row_of_the_route_table_is_reached_and_none_hides_another() -> None:
    paths = Paths({row.path: app_of(row.path) for row in ROUTES})
    for row in ROUTES:
        names = [segment[1:-1] for segment in row.path.split("/") if segment.startswith("{")]
        found = paths.find(row.path.replace("{", "").replace("}", "").encode())
        assert found is not None
        assert (getattr(found.app, "__name__", None), found.values) == (row.path, {name: name for name in names})
