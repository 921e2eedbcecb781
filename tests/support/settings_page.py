"""The tables of docs/settings.md, made from the Settings classes: `python -m tests.support.settings_page` writes them.

Invariant: what stands between `<!-- settings of X -->` and `<!-- end -->` is never written by hand; a test compares.
"""

import ast
import importlib
import inspect
import re
import socket
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from chassis.settings import PREFIX, ServiceSettings, Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
ROOMS = ("subscription_svc", "delivery_svc", "trigger_svc", "gateway", "runner")
_BLOCK = re.compile(r"(<!-- settings of (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_BOUNDS = ("ge", "gt", "le")


def classes() -> dict[str, type[Settings]]:
    """Every class of settings, by the name that its block has on the page."""
    found: dict[str, type[Settings]] = {"every process": Settings, "the three services": ServiceSettings}
    for room in ROOMS:
        members = vars(importlib.import_module(f"{room}.settings")).values()
        [found[room]] = [
            one
            for one in members
            if isinstance(one, type) and issubclass(one, Settings) and one.__module__ == f"{room}.settings"
        ]
    return found


def filled(page: str) -> str:
    """The page with every block as the classes have it."""
    known = classes()
    return _BLOCK.sub(lambda block: block[1] + table(known[block[2]]) + block[3], page)


def blocks(page: str) -> list[str]:
    """Names of the blocks, in their order."""
    return [block[1] for block in _BLOCK.findall(page)]


def table(settings: type[Settings]) -> str:
    """The fields that the class itself adds, a row each."""
    said = comments(settings)
    rows = [
        f"| `{PREFIX}{name.upper()}` | {default(settings.model_fields[name])} | {bounds(settings.model_fields[name])} "
        f"| {said[name]} |\n"
        for name in said
    ]
    return "| variable | default | range | what |\n|---|---|---|---|\n" + "".join(rows)


def comments(settings: type[Settings]) -> dict[str, str]:
    """The `#:` lines above each field; a field without any shares those of the one before it."""
    source = inspect.getsource(settings)
    lines = source.splitlines()
    found: dict[str, str] = {}
    said = ""
    [definition] = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    for node in definition.body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        above = []
        for line in reversed(lines[: node.lineno - 1]):
            if not line.strip().startswith("#:"):
                break
            above.append(line.strip().removeprefix("#:").strip())
        said = " ".join(reversed(above)) or said
        found[node.target.id] = said
    return found


def default(field: FieldInfo) -> str:
    """What holds where the variable is not set."""
    if field.default_factory is socket.gethostname:
        return "the host's name"
    value: Any = field.default
    if field.is_required():
        return "required"
    if value is None:
        return "unset"
    shown = number(value) if isinstance(value, float) else str(value)
    return f"`{shown}`" if shown else "empty"


def bounds(field: FieldInfo) -> str:
    """The numbers that are taken; empty where any text is, or where only a pattern says."""
    rules = {name: number(getattr(rule, name)) for rule in field.metadata for name in _BOUNDS if hasattr(rule, name)}
    least = rules.get("ge") or (f"above {rules['gt']}" if "gt" in rules else "")
    if "le" in rules:
        return f"{least} to {rules['le']}" if "ge" in rules else f"{least}, at most {rules['le']}"
    return f"{least} or more" if "ge" in rules else least


def number(value: float) -> str:
    """As it is written in an environment."""
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
