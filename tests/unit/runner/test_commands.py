"""The commands file: what it may say, and that all that is wrong with it is said at once."""

from pathlib import Path

import pytest

from chassis.settings import SettingsError
from runner.commands import load_commands, parse_commands

ROOT = Path(__file__).parents[3]


def problems_of(**command: object) -> list[str]:
    """What is wrong with one command, without what every line begins with."""
    with pytest.raises(SettingsError) as caught:
        parse_commands({"commands": {"it": {"argv": ["program"], **command}}}, "/etc")
    return [problem.removeprefix("RUNHOOK_RUNNER_COMMANDS_FILE: commands.it.") for problem in caught.value.problems]


def test_the_example_is_a_commands_file() -> None:
    commands = load_commands(ROOT / "examples" / "commands.toml")
    assert {"dbt-build", "echo-payload", "wait"} == set(commands.by_name)
    assert commands.argv_of(commands.by_name["dbt-build"])[0] == str(ROOT / ".venv-dbt" / "bin" / "dbt")


def test_a_program_with_a_slash_is_looked_for_from_the_file_on_and_any_other_on_the_path() -> None:
    tables = {"near": {"argv": ["../bin/x", "../y"]}, "far": {"argv": ["/bin/x"]}, "path": {"argv": ["x"]}}
    commands = parse_commands({"commands": tables}, "/etc/runner")
    argv = {name: commands.argv_of(command) for name, command in commands.by_name.items()}
    assert argv == {"near": ("/etc/bin/x", "../y"), "far": ("/bin/x",), "path": ("x",)}


def test_json_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "commands.json"
    file.write_text('{"commands": {"a": {"argv": ["true"], "accounts": [7]}}}')
    assert load_commands(file).by_name["a"].accounts == {7}


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ({"argv": []}, "argv: "),
        ({"argv": [""]}, "argv.0: must name a program"),
        ({"argv": ["x", 7]}, "argv.1: "),
        ({"argv": ["x", "{nobody}"]}, "argv.1: {nobody} is none of "),
        ({"argv": ["x", "{a.b}"], "slots": {"a": "."}}, "argv.1: {a.b} is none of "),
        ({"argv": ["x", "{a:>9}"], "slots": {"a": "."}}, "argv.1: {a} is none of "),
        ({"argv": ["x", "{"]}, "argv.1: "),
        ({"argv": ["{program}"], "slots": {"program": "sh"}}, "argv.0: {program} is none of commands_directory"),
        ({"slots": {"a": "."}}, "slots.a: is nowhere in argv"),
        ({"argv": ["x", "{a}"], "slots": {"a": "("}}, "slots.a: "),
        ({"argv": ["x", "{A}"], "slots": {"A": "."}}, "slots.A: must be a-z"),
        ({"environment": {"A-B": "x"}}, "environment.A-B: is no name for a variable"),
        ({"environment": {"A": "{who}"}}, "environment.A: {who} is none of "),
        (
            {"inherit": ["RUNHOOK_SERVICE_CREDENTIAL_FILE"]},
            "inherit.RUNHOOK_SERVICE_CREDENTIAL_FILE: is set by the runner",
        ),
        (
            {"parameters": {"resource_webhook_payload": ".*"}},
            "parameters.resource_webhook_payload: is set by the runner",
        ),
        ({"inherit": ["PATH"], "parameters": {"PATH": ".*"}}, "parameters.PATH: is set by environment or inherit"),
        ({"accounts": [0]}, "accounts: must be numbers above 0"),
        ({"max_output_bytes": 1}, "max_output_bytes: "),
        ({"artifacts": ["../secret"]}, "artifacts: '../secret' must be a path inside"),
        ({"artifacts": ["/etc/passwd"]}, "artifacts: '/etc/passwd' must be a path inside"),
        ({"shell": True}, "shell: there is no such key; there are argv, slots, "),
        ({"limits": {"cpu": 1}}, "limits.cpu: there is no such key; there are cpu_seconds, memory_bytes, "),
        ({"limits": {"open_files": 1}}, "limits.open_files: "),
        ({"preset": "make"}, "preset: "),
        (
            {"preset": "dbt", "artifacts": ["target/manifest.json"]},
            "artifacts: preset dbt reads run_results.json: add ",
        ),
    ],
)
def test_a_bad_command_is_refused_with_the_key_named(command: dict[str, object], problem: str) -> None:
    assert [one for one in problems_of(**command) if one.startswith(problem)]


def test_preset_dbt_keeps_results_in_the_runs_own_directory_unless_the_command_says_otherwise() -> None:
    tables = {
        "plain": {"argv": ["dbt"], "preset": "dbt"},
        "own": {
            "argv": ["dbt"],
            "preset": "dbt",
            "artifacts": ["out/*.json"],
            "environment": {"DBT_TARGET_PATH": "{run_directory}/out"},
            "inherit": ["DBT_LOG_PATH"],
        },
    }
    commands = parse_commands({"commands": tables}, "/etc").by_name
    assert commands["plain"].artifacts == ("target/run_results.json", "target/manifest.json")
    assert commands["plain"].environment == {
        "DBT_TARGET_PATH": "{run_directory}/target",
        "DBT_LOG_PATH": "{run_directory}/logs",
    }
    assert commands["own"].artifacts == ("out/*.json",)
    assert commands["own"].environment == {"DBT_TARGET_PATH": "{run_directory}/out"}


def test_limits_go_by_the_names_that_the_system_has_for_them() -> None:
    table = {"argv": ["x"], "limits": {"cpu_seconds": 60, "open_files": 256}}
    [command] = parse_commands({"commands": {"x": table}}, "/etc").by_name.values()
    assert command.limits.by_resource() == {"RLIMIT_CPU": 60, "RLIMIT_NOFILE": 256}


def test_everything_wrong_in_the_file_is_said_at_once() -> None:
    tables = {"A!": {"argv": ["x"]}, "b": {"argv": 7}, "c": {"argv": ["x", "{y}"], "artifacts": [""]}}
    with pytest.raises(SettingsError) as caught:
        parse_commands({"commands": tables, "command": {}}, "/etc")
    keys = [problem.split(": ")[1] for problem in caught.value.problems]
    assert keys == ["command", "commands.A!.name", "commands.b.argv", "commands.c.argv.1", "commands.c.artifacts"]


@pytest.mark.parametrize("content", [{}, {"commands": {}}, {"commands": []}, [], None])
def test_a_file_without_commands_is_refused(content: object) -> None:
    with pytest.raises(SettingsError, match="has none"):
        parse_commands(content, "/etc")


@pytest.mark.parametrize(("name", "text"), [("a.toml", "commands = "), ("a.json", "{"), ("a.json", "\ud800")])
def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SettingsError, match="is not valid"):
        load_commands(tmp_path / name)
    with pytest.raises(SettingsError, match=r"cannot read .*: No such file or directory"):
        load_commands(tmp_path / "missing")
