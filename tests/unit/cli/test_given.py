"""What is typed of tasks, plans and triggers, and what is shown of logs."""

from pathlib import Path
from typing import Any

import click
import pytest

from cli import trigger_options
from cli.downloads import Screen, deliver
from cli.given import FileName, Pair, only_one, text_of
from cli.plans import Step, steps

TYPED = click.command()(trigger_options.wished(lambda **_: None))
NOTHING: dict[str, Any] = {
    str(option.name): () if isinstance(option, click.Option) and option.multiple else None for option in TYPED.params
}


def test_a_pair_is_cut_at_its_first_equals_sign() -> None:
    convert = Pair().convert
    assert [convert(text, None, None) for text in ("a=b=c", "a=", "a")] == [("a", "b=c"), ("a", ""), ("a", "")]
    with pytest.raises(click.BadParameter):
        convert("=b", None, None)


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "a b", "é", "a%2fb"])
def test_a_name_that_leads_elsewhere_is_no_artifacts(name: str) -> None:
    with pytest.raises(click.BadParameter):
        FileName().convert(name, None, None)


def test_a_step_is_numbers_with_commas_and_reads_as_they_were_typed() -> None:
    assert Step().convert("7, 8", None, None) == ["7", "8"]
    assert steps([{"task_ids": ["7", "8"]}, {"task_ids": ["9"]}]) == "7,8 -> 9"
    with pytest.raises(click.BadParameter):
        Step().convert("7,", None, None)


def test_one_of_several_options_is_neither_none_nor_two() -> None:
    only_one(task_id=7, plan_id=None)
    for task_id, plan_id in ((None, None), (7, 8)):
        with pytest.raises(click.UsageError, match="--task or --plan: one of them"):
            only_one(task_id=task_id, plan_id=plan_id)


def test_a_body_that_is_too_large_or_named_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"12345")
    assert text_of(None, tmp_path / "body", 5) == b"12345"
    assert (text_of("é", None, 5), text_of(None, None, 5)) == ("é".encode(), b"")
    for data, most in ((None, 4), ("x", 5)):
        with pytest.raises(click.UsageError):
            text_of(data, tmp_path / "body", most)


def test_what_was_not_typed_of_a_trigger_is_not_in_the_body(tmp_path: Path) -> None:
    assert trigger_options.body(dict(NOTHING)) == {}
    (tmp_path / "secret").write_text(" s3cret \n")
    typed = {
        "threshold": 2,
        "preset": "generic_hmac",
        "hmac_header": "X-Sign",
        "secrets": (tmp_path / "secret",),
        "validate_body": False,
        "cron_expression": "* * * * *",
    }
    assert trigger_options.body(NOTHING | typed) == {
        "threshold": 2,
        "cron": {"expression": "* * * * *"},
        "verification": {"preset": "generic_hmac", "secrets": ["s3cret"], "generic_hmac": {"header": "X-Sign"}},
        "call_rules": {"validate_body": False},
    }


def test_a_pipe_gets_the_bytes_and_a_terminal_what_cannot_move_its_cursor(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    hostile = "a\x1b[2J\té\r\n".encode() + b"\xff"
    deliver(hostile, None)
    assert capfdbinary.readouterr().out == hostile
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    screen = Screen()
    for at in range(len(hostile)):
        screen.show(hostile[at : at + 1])
    assert capfdbinary.readouterr().out == "a\\x1b[2J\té\\r\n\\xff".encode()
