"""Connections go back to their pool as they are (chassis/database.py), and a pooler may give each transaction another session
(chassis/pooler.py): so no statement may change one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Of the chassis all but what migrates: that asks for a session of its own.
STORES = sorted(
    path
    for room in ("chassis", "subscription_svc", "delivery_svc", "trigger_svc")
    for path in (ROOT / room).rglob("*.py")
    if path.name != "migrations.py"
)
# What lasts until a session ends: settings that are not `local`, locks, channels, temporary tables, cursors, plans.
LASTING = re.compile(
    r"(?:\A|;)\s*(?:set\s+(?!local\b)|listen\b|prepare\b)"
    r"|\bset_config\s*\([^)]*\bfalse\b|\bpg_(?:try_)?advisory_lock|\bcreate\s+temp|\bwith\s+hold\b",
    re.IGNORECASE,
)


def statements(path: Path) -> Iterator[str]:
    """The texts of a file that go to Postgres, or may."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from (one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str))


def test_no_statement_of_a_service_changes_its_session() -> None:
    changing = [
        (path.relative_to(ROOT).as_posix(), text)
        for path in STORES
        for text in statements(path)
        if LASTING.search(text)
    ]
    assert changing == []


def test_no_function_of_the_schema_does() -> None:
    """What is `local` in a function's body ends with its transaction."""
    bodies = re.findall(r"\$\$.*?\$\$", (ROOT / "schema" / "schema.sql").read_text(), re.DOTALL)
    assert len(bodies) > 20
    assert [body for body in bodies if LASTING.search(body)] == []


@pytest.mark.parametrize(
    "text",
    [
        "set enable_seqscan = off",
        "SET SESSION lock_timeout = 1",
        "select set_config('lock_timeout', '1s', false)",
        "select pg_advisory_lock(1)",
        "select pg_try_advisory_lock($1)",
        "create temporary table t ()",
        "begin; listen news",
    ],
)
def test_what_changes_a_session_is_seen(text: str) -> None:
    assert LASTING.search(text)
