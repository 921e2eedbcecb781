"""The command line: what is called, and what is said when it is called wrongly."""

import pytest

from cli.__main__ import COMMANDS, main


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert [command.name for command in COMMANDS if command.name not in said] == []


@pytest.mark.parametrize("arguments", [[], ["fly"], ["standalone", "--fast"]])
def test_a_wrong_call_ends_with_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: runhook" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["", "mysql://host/db"])
def test_migrate_without_a_database_says_what_to_set(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUNHOOK_DATABASE_URL", url)
    assert main(["migrate"]) == 2
    assert capsys.readouterr().err.startswith("schema: RUNHOOK_DATABASE_URL: set it to the owner's URL")
