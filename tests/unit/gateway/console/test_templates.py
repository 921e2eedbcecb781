"""Templates keep the policy: no markup of others, no script or style in a page, and every form has its session's token."""

import re
from pathlib import Path

import pytest

import gateway.console
from gateway.console import rendering

ROOT = Path(gateway.console.__file__).parent / "templates"
TEMPLATES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.html"))
_BANNED = re.compile(
    r"\|\s*safe\b|<style\b|\sstyle=|<script(?! src=)|\son\w+=|autoescape|javascript:|hx-on|hx-vals=.js|http-equiv",
    re.IGNORECASE,
)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_nothing_that_the_policy_forbids(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert _BANNED.findall(text) == []
    if name != "_macros/form.html":
        assert re.findall(r"<form[^>]*method=.post", text) == [], "forms that post come from _macros/form.html"


def test_every_form_that_posts_carries_the_token() -> None:
    text = (ROOT / "_macros/form.html").read_text(encoding="utf-8")
    forms = re.findall(r"<form method=\"post\".*?</form>", text, re.DOTALL)
    assert len(forms) == text.count("<form ")
    assert all('name="csrf" value="{{ csrf }}"' in form for form in forms)


def test_all_templates_compile() -> None:
    rendering.compile_all()
    assert len(TEMPLATES) > 10
