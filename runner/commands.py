"""The operator's commands: the only things that a runner ever executes, read from a file at start.

Guards that a command is complete and closed before any run asks for it: every brace in it is a slot or a known
directory, every slot and parameter has a pattern, tasks choose neither the program nor a variable that the operator
or the runner sets. Every bad thing in the file is named at once. examples/commands.toml explains each key.
"""

import json
import os
import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.settings import SettingsError

VARIABLE = "RUNHOOK_RUNNER_COMMANDS_FILE"
PAYLOAD_VARIABLE = "resource_webhook_payload"
COMMAND_NAME = re.compile(r"[a-z0-9_-]{1,63}")
SLOT_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
DIRECTORIES = frozenset({"run_directory", "commands_directory"})
OWN_VARIABLES = frozenset({PAYLOAD_VARIABLE, "RESOURCE_WEBHOOK_PAYLOAD_FILE", "TMPDIR"})


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
    try:
        text = path.read_text("utf-8")
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise SettingsError([f"{VARIABLE}: cannot read {path}: {error.strerror}"]) from error
    except ValueError as error:
        raise SettingsError([f"{VARIABLE}: {path} is not valid {path.suffix[1:] or 'TOML'}: {error}"]) from error
    return parse_commands(content, str(path.absolute().parent))


def parse_commands(content: object, directory: str) -> Commands:
    """The commands in a file's content. SettingsError has a line for every bad thing in it."""
    tables = content.get("commands") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(tables, dict) or not tables:
        raise SettingsError([f"{VARIABLE}: needs a table [commands.<name>] for each command, and has none"])
    problems = [f"{key}: no such key: everything is under commands" for key in content if key != "commands"]
    by_name: dict[str, Command] = {}
    for name, table in tables.items():
        try:
            by_name[name] = Command.model_validate(table)
            found = _problems(name, by_name[name])
        except ValidationError as error:
            found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        problems += [f"commands.{name}.{problem}" for problem in found]
    if problems:
        raise SettingsError([f"{VARIABLE}: {problem}" for problem in problems])
    return Commands(by_name=by_name, directory=directory)


def _problems(name: str, command: Command) -> list[str]:
    problems = [] if COMMAND_NAME.fullmatch(name) else ["name: must be 1 to 63 of a-z, 0-9, - and _"]
    problems += _argv_problems(command) + _variable_problems(command)
    problems += [
        f"artifacts: {glob!r} must be a path inside the run's directory"
        for glob in command.artifacts
        if not glob or PurePosixPath(glob).is_absolute() or ".." in PurePosixPath(glob).parts
    ]
    if any(account < 1 for account in command.accounts):
        problems.append("accounts: must be numbers above 0")
    return problems


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
        used |= _check_template(f"argv.{index}", template, allowed, problems)
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
        _check_template(f"environment.{variable}", template, DIRECTORIES, problems)
    return problems


def _check_template(key: str, template: str, allowed: frozenset[str], problems: list[str]) -> set[str]:
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
