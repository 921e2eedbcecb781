"""Rooms stay small, say what they are for, and are named after what is in them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "runhook",
    "chassis",
    "subscription_svc",
    "delivery_svc",
    "trigger_svc",
    "gateway",
    "runner",
    "cli",
    "standalone",
    "schema",
    "bench",
    "examples",
)
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 40
BANNED_NAMES = {"common", "util", "utils", "helpers", "misc", "manager", "processor", "base"}


def rooms() -> Iterator[Path]:
    """Every Python file that people wrote."""
    for package in (*PACKAGES, "tests"):
        for path in sorted((ROOT / package).rglob("*.py")):
            generated = path.stem.endswith(("_pb2", "_pb2_grpc"))
            if not generated and not any(part.startswith(".") for part in path.relative_to(ROOT).parts):
                yield path.relative_to(ROOT)


ROOMS = list(rooms())
PRODUCT = [path for path in ROOMS if path.parts[0] != "tests"]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


@pytest.mark.parametrize("path", PRODUCT, ids=str)
def test_a_room_and_its_functions_stay_small(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert text.count("\n") <= MOST_LINES_OF_A_FILE, "split it by noun"
    long = {
        f"{node.name} (line {node.lineno})": length(node)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > MOST_LINES_OF_A_FUNCTION
    }
    assert long == {}


def test_every_room_says_what_it_is_for() -> None:
    silent = [
        str(path) for path in ROOMS if not ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_no_room_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in ROOMS if BANNED_NAMES.intersection((path.stem, *path.parent.parts))] == []
