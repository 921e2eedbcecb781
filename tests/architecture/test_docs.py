"""The docs are true: what they name is there, and their tables are the code's."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cli.settings import VARIABLES
from standalone.settings import OURS
from tests.support import settings_page

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").glob("*.md"))
)
OWNERS = ("subscription", "delivery", "trigger")
SERVICES = tuple(f"{owner}_svc" for owner in OWNERS)
PACKAGES = ("runhook", "chassis", *SERVICES, "gateway", "runner", "schema", "standalone", "cli")
FOLDERS = (*PACKAGES, "protos", "clients", "deploy", "bench", "examples", "tests", "docs")
_PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})/[\w./-]*(?::[A-Za-z_][\w.]*)?")
_PYTHON_FILE = re.compile(r"(?<![\w./-])(?:\w+/)*\w+\.py\b")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_GRANT = re.compile(r"^GRANT ([\w,()]+) ON (TABLE|FUNCTION) ([\w.]+).* TO (\w+);$", re.MULTILINE)


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def code_blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def python_files() -> list[Path]:
    return [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]


def names_in(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    """`name`, `Class`, `Class.method` of all that a module defines."""
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.ClassDef(name=name):
                yield prefix + name
                yield from names_in(node.body, f"{prefix}{name}.")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name


def anchors(page: Path) -> set[str]:
    """What a heading can be linked by."""
    titles = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_files_and_places_that_a_page_names_are_there(page: str) -> None:
    text = read(page)
    wrong = set()
    for found in _PATH.findall(text):
        path, _, place = found.rstrip(".").partition(":")
        if not (ROOT / path).exists():
            wrong.add(path)
        elif place and place not in names_in(tree(ROOT / path).body):
            wrong.add(f"{path}:{place}")
    known = [f"/{path.relative_to(ROOT).as_posix()}" for path in python_files()]
    wrong |= {name for name in _PYTHON_FILE.findall(text) if not any(path.endswith(f"/{name}") for path in known)}
    assert wrong == set()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    dead = set()
    for target in _LINK.findall(read(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = ((ROOT / page).parent / path) if path else ROOT / page
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            dead.add(target)
    assert dead == set()


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_and_settings_that_a_page_names_exist(page: str) -> None:
    text = read(page)
    targets = set(re.findall(r"^([a-z0-9-]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^    )make ([a-z0-9-]+)", text, re.MULTILINE))
    assert named - targets == set()
    settings = {f"RUNHOOK_{name.upper()}" for one in settings_page.classes().values() for name in one.model_fields}
    of_the_command = {*VARIABLES, "RUNHOOK_COMPLETE"}  # click's own, for completion
    assert set(re.findall(r"RUNHOOK_[A-Z_]*[A-Z]", text)) - settings - of_the_command == set()


def test_the_tables_of_settings_are_those_of_the_classes() -> None:
    page = read("docs/settings.md")
    assert settings_page.blocks(page) == list(settings_page.classes())
    assert page == settings_page.filled(page), "python -m tests.support.settings_page writes them"
    assert set(re.findall(r"^\| `([A-Z_]+)`", page.partition("runhook standalone")[2], re.MULTILINE)) == set(OURS)


def granted() -> set[tuple[str, str, str]]:
    """(role, right, object) of all that a role may do outside of its own schema."""
    grants = set()
    for rights, kind, thing, role in _GRANT.findall(read("schema/schema.sql").replace('"', "")):
        if thing.partition(".")[0] != role.removeprefix("runhook_"):
            for right in ["execute"] if kind == "FUNCTION" else re.findall(r"[a-z]+(?=\(|,|$)", rights.lower()):
                grants.add((role, right, thing))
    return grants


def test_the_cross_owner_table_is_what_the_migrations_grant() -> None:
    section = read("ARCHITECTURE.md").partition("## Cross-owner reads")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (runhook_[\w, ]+) \| (\w+) \| `([\w.]+)` \|", section, re.MULTILINE)
    assert {(role, right, thing) for roles, right, thing in rows for role in roles.split(", ")} == granted()


@pytest.mark.parametrize("owner", OWNERS)
def test_a_service_reads_of_other_owners_what_it_was_granted_and_no_more(owner: str) -> None:
    tables = set(re.findall(r"^CREATE TABLE ([\w.]+)", read("schema/schema.sql").replace('"', ""), re.MULTILINE))
    read_by_sql = set()
    for path in (ROOT / f"{owner}_svc" / "store").glob("*.py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named = re.findall(r"\b(?:from|join|into|update) (\w+\.\w+)", node.value)
                read_by_sql |= {name for name in named if name in tables and not name.startswith(f"{owner}.")}
    role = f"runhook_{owner}"
    assert read_by_sql == {thing for who, _, thing in granted() if who == role and not thing.startswith("runhook.")}


def test_the_code_map_leaves_no_room_out() -> None:
    section = read("ARCHITECTURE.md").partition("## Code map")[2].partition("\n## ")[0]
    assert {folder for folder in FOLDERS if f"**`{folder}/`**" not in section} - {"docs"} == set()


def test_invariants_are_numbered_without_a_gap() -> None:
    numbers = re.findall(r"^(\d+)\. Invariant: ", read("ARCHITECTURE.md"), re.MULTILINE)
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert len(numbers) > 20


def test_every_decision_is_on_the_list_of_decisions() -> None:
    files = {path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md")}
    assert set(_LINK.findall(read("docs/adr/README.md"))) >= files


def test_the_readme_fits_on_a_few_screens() -> None:
    assert read("README.md").count("\n") <= 150


def test_the_python_of_the_readme_builds_what_it_sends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, publisher = code_blocks("README.md", "python")
    compile(receiver, "receiver.py", "exec")
    (tmp_path / ".runhook").mkdir()
    (tmp_path / ".runhook/standalone.json").write_text(json.dumps({"grpc": {}, "token": ""}))
    monkeypatch.chdir(tmp_path)
    before_it_calls = [node for node in ast.parse(publisher).body if not isinstance(node, ast.Expr)]
    variables: dict[str, object] = {}
    exec(compile(ast.Module(before_it_calls, []), "publisher.py", "exec"), variables)
    assert "run-70-completed" in str(variables["event"])
