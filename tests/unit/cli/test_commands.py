"""The command line: what is called, and what is said when it is called wrongly."""

import resource
import subprocess
import sys

import click
import pytest

from cli.__main__ import COMMANDS, main, runhook
from cli.trouble import ExitCode

HEAVY = ("httpx", "rich", "asyncpg", "asyncio", "grpc", "pydantic", "standalone", "schema", "runhook")
HELP_OF_ALL = """
import sys
from cli.__main__ import main
for typed in sys.argv[1:]:
    assert main([*typed.split(), "--help"]) == 0
print(*sys.modules, file=sys.stderr)
"""


def leaves(group: click.Group, *before: str) -> list[tuple[str, ...]]:
    """Every command, as it is typed."""
    context = click.Context(group)
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        typed = (*before, name)
        found += leaves(command, *typed) if isinstance(command, click.Group) else [typed]
    return found


def test_help_lists_every_command_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert [command.name for command in COMMANDS if command.name not in said] == []
    assert [code for code in ExitCode if f"\n    {int(code)} " not in said] == []


def test_every_command_has_help_that_loads_nothing_heavy() -> None:
    typed = [" ".join(one) for one in leaves(runhook)]
    ran = subprocess.run([sys.executable, "-c", HELP_OF_ALL, *typed], capture_output=True, text=True, check=True)
    assert [one for one in typed if f"Usage: runhook {one} [OPTIONS]" not in ran.stdout] == []
    assert set(HEAVY) & set(ran.stderr.split()) == set()


def test_help_costs_a_moment() -> None:
    def processor_seconds() -> float:  # of ended children: what this machine does beside that does not count
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    taken = []
    for _ in range(3):
        before = processor_seconds()
        subprocess.run([sys.executable, "-m", "cli", "--help"], check=True, capture_output=True)
        taken.append(processor_seconds() - before)
    assert min(taken) < 0.3


@pytest.mark.parametrize("arguments", [[], ["fly"], ["standalone", "--fast"], ["tokens"], ["tokens", "create"]])
def test_a_wrong_call_ends_with_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Usage: runhook" in capsys.readouterr().err


@pytest.mark.parametrize("plural", ["subscriptions", "deliveries", "events", "tokens", "accounts"])
def test_what_there_are_many_of_may_be_called_by_its_singular(plural: str) -> None:
    context = click.Context(runhook)
    [singular] = [command.also for command in COMMANDS if command.name == plural]
    assert runhook.get_command(context, singular) is runhook.get_command(context, plural)


@pytest.mark.parametrize("url", ["", "mysql://host/db"])
@pytest.mark.parametrize("arguments", [["migrate"], ["doctor"], ["secrets", "rotate-keys"]])
def test_without_a_database_it_says_what_to_set(
    arguments: list[str], url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUNHOOK_DATABASE_URL", url)
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("schema: RUNHOOK_DATABASE_URL: set it to the owner's URL")


def test_standalone_is_not_told_of_the_commands_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, str] = {}

    def run(environment: dict[str, str]) -> int:
        told.update(environment)
        return 7

    monkeypatch.setattr("standalone.run.run", run)
    monkeypatch.setenv("RUNHOOK_TOKEN", "of-somewhere-else")
    monkeypatch.setenv("RUNHOOK_LOG_LEVEL", "debug")
    assert main(["standalone"]) == 7
    assert {name for name in told if name.startswith("RUNHOOK_")} == {"RUNHOOK_LOG_LEVEL"}
