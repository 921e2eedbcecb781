"""The operator's commands: the only things that a runner ever executes, read from a file at start.

Guards that a command is complete and closed before any run asks for it: every brace in it is a slot or a known
directory, every slot and parameter has a pattern, tasks choose neither the program nor a variable that the operator
or the runner sets. Every bad thing in the file is named at once. examples/commands.toml explains each key.
"""

import json
import os
import re
import string
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from chassis.settings import SettingsError

VARIABLE = "RUNHOOK_RUNNER_COMMANDS_FILE"
#: The file's other table, of Kubernetes Jobs; runner/kubernetes reads it.
JOBS = "jobs"
PAYLOAD_VARIABLE = "resource_webhook_payload"
COMMAND_NAME = re.compile(r"[a-z0-9_-]{1,63}")
SLOT_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
DIRECTORIES = frozenset({"run_directory", "commands_directory"})
OWN_VARIABLES = frozenset({PAYLOAD_VARIABLE, "RESOURCE_WEBHOOK_PAYLOAD_FILE", "TMPDIR"})


#: What preset dbt sets where a command does not say otherwise.
DBT_ENVIRONMENT = {"DBT_TARGET_PATH": "{run_directory}/target", "DBT_LOG_PATH": "{run_directory}/logs"}
#: Patterns that run_results.json matches.
DBT_RESULTS = frozenset({"run_results.json", "*.json", "*", "**"})
DBT_ARTIFACTS = ("target/run_results.json", "target/manifest.json")


class Limits(BaseModel):
    """What each process of a command may use; beyond the runner's own limits nothing is allowed. None: as the runner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu_seconds: int | None = Field(default=None, ge=1, le=86_400)
    memory_bytes: int | None = Field(default=None, ge=1 << 20, le=1 << 50)
    file_bytes: int | None = Field(default=None, ge=0, le=1 << 50)
    open_files: int | None = Field(default=None, ge=8, le=1 << 20)
    processes: int | None = Field(default=None, ge=1, le=1 << 20)

    def by_resource(self) -> dict[str, int]:
        """The limits that are set, by the names that Python's module resource has for them."""
        named = {
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_AS": self.memory_bytes,
            "RLIMIT_FSIZE": self.file_bytes,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_NPROC": self.processes,
        }
        return {name: limit for name, limit in named.items() if limit is not None}


class Command(BaseModel):
    """One command. Sizes are bytes; patterns match a value from end to end; empty accounts admit all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    argv: tuple[str, ...] = Field(min_length=1, max_length=1000)
    slots: dict[str, re.Pattern[str]] = {}
    parameters: dict[str, re.Pattern[str]] = {}
    working_directory: str = ""
    environment: dict[str, str] = {}
    inherit: tuple[str, ...] = ()
    accounts: frozenset[int] = frozenset()
    max_output_bytes: int = Field(default=65_536, ge=1_024, le=16_777_216)
    artifacts: tuple[str, ...] = ()
    limits: Limits = Limits()
    preset: Literal["", "dbt"] = ""

    @model_validator(mode="before")
    @classmethod
    def _fill_preset(cls, table: object) -> object:
        """Preset dbt keeps results in the run's own directory, and keeps them afterwards."""
        if not isinstance(table, dict) or table.get("preset") != "dbt":
            return table
        filled: dict[str, object] = {"artifacts": DBT_ARTIFACTS, **table}
        environment = table.get("environment", {})
        if isinstance(environment, dict):
            inherited = table.get("inherit", ())
            own = {name: value for name, value in DBT_ENVIRONMENT.items() if name not in inherited}
            filled["environment"] = own | environment
        return filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """All commands by name, and the absolute directory that their relative paths begin at."""

    by_name: Mapping[str, Command]
    directory: str

    def resolve(self, path: str) -> str:
        """`path` from the commands' directory on."""
        return os.path.normpath(os.path.join(self.directory, path))

    def missing_programs(self) -> list[str]:
        """Commands whose program is named by its path and is not there, such as one that is not installed yet."""
        programs = {name: self.argv_of(command)[0] for name, command in self.by_name.items()}
        programs = {name: path.format(commands_directory=self.directory) for name, path in programs.items()}
        return [name for name, path in programs.items() if "/" in path and not os.access(path, os.X_OK)]

    def argv_of(self, command: Command) -> tuple[str, ...]:
        """The template of a command's argv; a program with a slash in its name is an absolute path."""
        program, *arguments = command.argv
        if "/" in program and not program.startswith("{"):
            program = self.resolve(program)
        return (program, *arguments)


def load_commands(path: Path) -> Commands:
    """Reads a .toml or .json file. SettingsError has a line for every bad thing in it."""
    return parse_commands(read_content(path), str(path.absolute().parent))


def read_content(path: Path) -> object:
    """What a .toml or .json file holds. SettingsError."""
    try:
        text = path.read_text("utf-8")
        content: object = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise SettingsError([f"{VARIABLE}: cannot read {path}: {error.strerror}"]) from error
    except ValueError as error:
        raise SettingsError([f"{VARIABLE}: {path} is not valid {path.suffix[1:] or 'TOML'}: {error}"]) from error
    return content


def has_jobs(path: Path) -> bool:
    """Whether a file names Kubernetes Jobs, too. SettingsError."""
    content = read_content(path)
    return isinstance(content, dict) and bool(content.get(JOBS))


def parse_commands(content: object, directory: str) -> Commands:
    """The commands in a file's content. SettingsError has a line for every bad thing in it."""
    tables = content.get("commands", {}) if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(tables, dict) or not (tables or content.get(JOBS)):
        raise SettingsError([f"{VARIABLE}: needs a table [commands.<name>] for each command, and has none"])
    problems = [
        f"{key}: no such key: everything is under commands or {JOBS}"
        for key in content
        if key not in ("commands", JOBS)
    ]
    by_name: dict[str, Command] = {}
    for name, table in tables.items():
        try:
            by_name[name] = Command.model_validate(table)
            found = _problems(name, by_name[name])
        except ValidationError as error:
            found = [_sentence(one) for one in error.errors()]
        problems += [f"commands.{name}.{problem}" for problem in found]
    if problems:
        raise SettingsError([f"{VARIABLE}: {problem}" for problem in problems])
    return Commands(by_name=by_name, directory=directory)


def _sentence(error: ErrorDetails) -> str:
    """What is wrong with a key, and what would be right."""
    place = ".".join(map(str, error["loc"]))
    known = Limits.model_fields if error["loc"][0] == "limits" else Command.model_fields
    match error["type"]:
        case "extra_forbidden":
            return f"{place}: there is no such key; there are {', '.join(known)}"
        case "missing":
            return f"{place}: is missing: name the program and its arguments, each a string of a list"
        case "pattern_parse_error" | "pattern_regex":
            return f"{place}: {error['msg']}: write a regular expression that a value must match from end to end"
    return f"{place}: {error['msg']}"


def _problems(name: str, command: Command) -> list[str]:
    problems = [] if COMMAND_NAME.fullmatch(name) else ["name: must be 1 to 63 of a-z, 0-9, - and _"]
    problems += _argv_problems(command) + _variable_problems(command)
    problems += artifact_problems(command.artifacts)
    if any(account < 1 for account in command.accounts):
        problems.append("accounts: must be numbers above 0; leave the key out to admit all accounts")
    if command.preset == "dbt" and not any(PurePosixPath(glob).name in DBT_RESULTS for glob in command.artifacts):
        problems.append(f"artifacts: preset dbt reads run_results.json: add {DBT_ARTIFACTS[0]!r}, or leave the key out")
    if command.limits.by_resource() and sys.platform != "linux":
        problems.append("limits: can be set on Linux alone: leave the table out")
    return problems


def artifact_problems(globs: tuple[str, ...]) -> list[str]:
    """What is wrong with patterns of files in a run's directory."""
    return [
        f"artifacts: {glob!r} must be a path inside the run's directory"
        for glob in globs
        if not glob or PurePosixPath(glob).is_absolute() or ".." in PurePosixPath(glob).parts
    ]


def _argv_problems(command: Command) -> list[str]:
    known = DIRECTORIES | command.slots.keys()
    problems = [
        f"slots.{slot}: must be a-z, then at most 62 of a-z, 0-9 and _, and no directory's name"
        for slot in command.slots
        if slot in DIRECTORIES or not SLOT_NAME.fullmatch(slot)
    ]
    if not command.argv[0]:
        problems.append("argv.0: must name a program")
    used: set[str] = set()
    for index, template in enumerate(command.argv):
        allowed = known if index else frozenset({"commands_directory"})  # who fills a slot must not choose the program
        used |= check_template(f"argv.{index}", template, allowed, problems)
    problems += [f"slots.{slot}: is nowhere in argv" for slot in sorted(command.slots.keys() - used)]
    return problems


def _variable_problems(command: Command) -> list[str]:
    problems: list[str] = []
    for key, names in (
        ("environment", command.environment),
        ("inherit", command.inherit),
        ("parameters", command.parameters),
    ):
        for variable in names:
            if not VARIABLE_NAME.fullmatch(variable):
                problems.append(f"{key}.{variable}: is no name for a variable")
            elif variable in OWN_VARIABLES or variable.startswith("RUNHOOK_"):
                problems.append(f"{key}.{variable}: is set by the runner")
    for variable in sorted(command.parameters.keys() & {*command.environment, *command.inherit}):
        problems.append(f"parameters.{variable}: is set by environment or inherit already")
    for variable, template in command.environment.items():
        check_template(f"environment.{variable}", template, DIRECTORIES, problems)
    return problems


def check_template(key: str, template: str, allowed: frozenset[str], problems: list[str]) -> set[str]:
    """The placeholders of a template; what is wrong with it is added to `problems`."""
    try:
        fields = [(name, spec, form) for _, name, spec, form in string.Formatter().parse(template) if name is not None]
    except ValueError as error:
        problems.append(f"{key}: {error}: a brace itself is written twice")
        return set()
    if "\0" in template:
        problems.append(f"{key}: must not contain NUL")
    for name, spec, form in fields:
        if name not in allowed or spec or form:
            problems.append(f"{key}: {{{name}}} is none of {', '.join(sorted(allowed)) or 'nothing'}")
    return {name for name, _, _ in fields}
