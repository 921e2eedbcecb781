"""Tables for people, one document for scripts, and nothing but the answer on stdout."""

import json
import sys
from typing import Any

import pytest

from cli.printer import Printer
from cli.shown import Column

COLUMNS = (Column("ID", "id"), Column("NAME", "name"))
RECORDS: list[dict[str, Any]] = [
    {"id": "wsu_1", "name": "a\x1b[31m [red]b[/red]"},
    {"id": "wsu_2", "name": None, "more": 1},
]


def at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stdout says that it is one, of 80 columns."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_a_pipe_gets_plain_aligned_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Printer(as_json=False).rows(RECORDS, COLUMNS, none="none")
    assert capsys.readouterr().out == "ID     NAME\nwsu_1  a\\x1b[31m [red]b[/red]\nwsu_2  -\n"


def test_a_terminal_gets_a_table_in_which_markup_is_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_terminal(monkeypatch)
    Printer(as_json=False).rows(RECORDS, COLUMNS, none="none")
    out = capsys.readouterr().out
    assert r"a\x1b[31m [red]b[/red]" in out
    assert "\x1b[1m" in out  # titles are bold


def test_no_color_means_none(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    Printer(as_json=False).rows(RECORDS, COLUMNS, none="none")
    assert "\x1b[3" not in capsys.readouterr().out


def test_an_id_is_never_broken(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal(monkeypatch)
    wsu = "wsu_" + "a" * 27
    Printer(as_json=False).rows([{"id": wsu, "name": "n" * 300}], COLUMNS, none="none")
    assert wsu in capsys.readouterr().out


def test_scripts_get_the_data_as_it_came_even_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_terminal(monkeypatch)
    Printer(as_json=True).rows(RECORDS, COLUMNS, none="none")
    out = capsys.readouterr().out
    assert json.loads(out) == RECORDS
    assert out.isascii()


def test_what_is_not_the_answer_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Printer(as_json=False).rows([], COLUMNS, none="nothing yet")
    assert capsys.readouterr() == ("", "runhook: nothing yet\n")
    Printer(as_json=True).rows([], COLUMNS, none="nothing yet")
    assert capsys.readouterr() == ("[]\n", "")


def test_a_record_leaves_out_what_it_has_not(capsys: pytest.CaptureFixture[str]) -> None:
    Printer(as_json=False).record(RECORDS[1], COLUMNS)
    assert capsys.readouterr().out == "id  wsu_2\n"
    Printer(as_json=False).record({}, COLUMNS)
    assert capsys.readouterr().out == ""


def test_a_secret_is_in_a_document_once(capsys: pytest.CaptureFixture[str]) -> None:
    Printer(as_json=True).secret("token", {"token": "rhk_x"})
    assert capsys.readouterr() == ("", "runhook: the token is not shown again: keep it now\n")
