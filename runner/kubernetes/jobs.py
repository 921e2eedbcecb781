"""The commands file's table [jobs.<name>]: commands that run as Kubernetes Jobs. docs/kubernetes-jobs.md explains each key.

Guards the same as runner/commands.py: a bad file is refused whole, with a line for every bad thing, before any run comes.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.settings import SettingsError
from runner.commands import (
    COMMAND_NAME,
    DBT_ARTIFACTS,
    DBT_ENVIRONMENT,
    JOBS,
    SLOT_NAME,
    VARIABLE,
    artifact_problems,
    read_content,
)
from runner.kubernetes.template import SPOTS, Template, check_document, read_template


class JobTable(BaseModel):
    """One job. `template` is a file's path from the commands file on; the rest is as of a command.

    `payload_variable`: the payload is put into the variable resource_webhook_payload too, by starting the command
    through /bin/sh.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str = Field(min_length=1)
    slots: dict[str, re.Pattern[str]] = {}
    parameters: dict[str, re.Pattern[str]] = {}
    accounts: frozenset[int] = frozenset()
    max_output_bytes: int = Field(default=65_536, ge=1_024, le=16_777_216)
    artifacts: tuple[str, ...] = ()
    preset: Literal["", "dbt"] = ""
    payload_variable: bool = True


class Job:
    """A job: its table and its template."""

    def __init__(self, table: JobTable, template: Template) -> None:
        self.template = template
        self.slots: Mapping[str, re.Pattern[str]] = table.slots
        self.parameters: Mapping[str, re.Pattern[str]] = table.parameters
        self.accounts = table.accounts
        self.max_output_bytes = table.max_output_bytes
        self.preset: str = table.preset
        self.payload_variable = table.payload_variable
        self.artifacts = table.artifacts or (DBT_ARTIFACTS if table.preset == "dbt" else ())

    @property
    def environment(self) -> dict[str, str]:
        """What a preset has the command find in its environment, where the template does not say otherwise."""
        own = DBT_ENVIRONMENT if self.preset == "dbt" else {}
        return {name: value for name, value in own.items() if name not in self.template.variables}


def load_jobs(path: Path) -> dict[str, Job]:
    """The jobs of a commands file; none where it has no such table. SettingsError."""
    return parse_jobs(read_content(path), path.absolute().parent)


def parse_jobs(content: Any, directory: Path) -> dict[str, Job]:
    """The jobs in a file's content, their templates in files from `directory` on. SettingsError."""
    tables = content.get(JOBS, {})
    if not isinstance(tables, dict):
        raise SettingsError([f"{VARIABLE}: {JOBS}: must be a table [{JOBS}.<name>] for each job"])
    jobs: dict[str, Job] = {}
    problems: list[str] = []
    for name, table in tables.items():
        found = [] if COMMAND_NAME.fullmatch(name) else ["name: must be 1 to 63 of a-z, 0-9, - and _"]
        if name in content.get("commands", {}):
            found.append("name: a command has it already")
        try:
            jobs[name] = _job(JobTable.model_validate(table), directory, found)
        except ValidationError as error:
            found += [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        problems += [f"{JOBS}.{name}.{problem}" for problem in found]
    if problems:
        raise SettingsError([f"{VARIABLE}: {problem}" for problem in problems])
    return jobs


def _job(table: JobTable, directory: Path, problems: list[str]) -> Job:
    problems += artifact_problems(table.artifacts)
    problems += [
        f"slots.{slot}: must be a-z, then at most 62 of a-z, 0-9 and _, and no directory's name"
        for slot in table.slots
        if slot in SPOTS or not SLOT_NAME.fullmatch(slot)
    ]
    template = Template(document={})
    try:
        document = read_template(directory / table.template)
    except ValueError as error:
        problems.append(f"template: {error}")
        return Job(table, template)
    found = check_document(document, frozenset(table.slots), wrapped=table.payload_variable)
    problems += [f"template: {problem}" for problem in found]
    if not found and isinstance(document, dict):
        template = Template(document=document)
        problems += [
            f"parameters.{name}: is set by the template already"
            for name in table.parameters
            if name in template.variables
        ]
    return Job(table, template)
