"""What a task must be; every bad field is named at once. The only parameter that the platform fills is PAYLOAD."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from chassis.errors import BadField

PAYLOAD = "resource_webhook_payload"
KINDS = ("standard", "big_data")
LONGEST_NAME = 255
LONGEST_VALUE = 4_096
MOST_PARAMETERS = 100
MOST_SLOTS = 100
SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 60, 86_400
MOST_ATTEMPTS = 10
QUEUE_MODES = ("fail", "reject", "hold")
QUEUE_COUNTS = ("concurrent", "rolling")
MOST_QUEUED = 10_000

_COMMAND = re.compile(r"[a-z0-9_-]{1,63}")
_SLOT = re.compile(r"[A-Za-z0-9_-]{1,63}")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A named value that a run is given; the default stands where the execution brings none."""

    name: str
    default_value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimit:
    """How many executions of a task or plan may wait or run, what becomes of those beyond it, and which ones count."""

    executions: int = 50
    mode: str = "fail"
    count: str = "concurrent"


USUAL_LIMIT = QueueLimit()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task as asked for, defaults filled in. The timeout is in seconds and must be whole."""

    account_id: int
    name: str
    kind: str
    command: str
    slots: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    timeout_seconds: float
    allow_parallel_runs: bool
    max_attempts: int
    environment_id: int
    environment_name: str
    project_id: int
    project_name: str
    dbt_version: str
    queue_limit: QueueLimit = USUAL_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(NewTask):
    """A task as stored. `version` rises with every change."""

    task_id: int
    created_at: datetime
    paused: bool = False
    version: int = 1

    @property
    def takes_payload(self) -> bool:
        """Whether a webhook may start it."""
        return any(parameter.name == PAYLOAD for parameter in self.parameters)


def bad_fields(task: NewTask) -> list[BadField]:
    """Every broken rule, with paths such as task.parameters[1].name; empty when the task is good."""
    return [
        *_bad_names(task),
        *_bad_limits(task),
        *_bad_slots(task.slots),
        *_bad_parameters(task.parameters),
        *bad_queue_limit("task", task.queue_limit),
    ]


def bad_queue_limit(owner: str, limit: QueueLimit) -> Iterator[BadField]:
    """Every broken rule of the queue limit of a task or plan, which `owner` is the path of."""
    if not 1 <= limit.executions <= MOST_QUEUED:
        yield BadField(f"{owner}.queue_limit.executions", f"must be 1 to {MOST_QUEUED:,}, or 0 for 50")
    if limit.mode not in QUEUE_MODES:
        yield BadField(f"{owner}.queue_limit.mode", "must be FAIL, REJECT or HOLD")
    if limit.count not in QUEUE_COUNTS:
        yield BadField(f"{owner}.queue_limit.count", "must be CONCURRENT or ROLLING")


def _bad_names(task: NewTask) -> Iterator[BadField]:
    for field, value, least in (
        ("name", task.name, 1),
        ("environment_name", task.environment_name, 0),
        ("project_name", task.project_name, 0),
        ("dbt_version", task.dbt_version, 0),
    ):
        if not least <= len(value) <= LONGEST_NAME or _CONTROL.search(value):
            yield BadField(f"task.{field}", f"must be {least} to {LONGEST_NAME} characters, none a control character")
    if not _COMMAND.fullmatch(task.command):
        yield BadField("task.command", 'must be 1 to 63 of a-z, 0-9, "-" and "_"')


def _bad_limits(task: NewTask) -> Iterator[BadField]:
    for field, number in (
        ("account_id", task.account_id),
        ("environment_id", task.environment_id),
        ("project_id", task.project_id),
    ):
        if number < 1:
            yield BadField(f"task.{field}", "must be above 0")
    if task.kind not in KINDS:
        yield BadField("task.kind", "must be STANDARD or BIG_DATA")
    if task.timeout_seconds != int(task.timeout_seconds):
        yield BadField("task.timeout", "must be whole seconds")
    elif not SHORTEST_TIMEOUT <= task.timeout_seconds <= LONGEST_TIMEOUT:
        yield BadField("task.timeout", "must be 1 minute to 24 hours")
    if not 1 <= task.max_attempts <= MOST_ATTEMPTS:
        yield BadField("task.max_attempts", f"must be 1 to {MOST_ATTEMPTS}, or 0 for 1")


def _bad_slots(slots: Mapping[str, str]) -> Iterator[BadField]:
    if len(slots) > MOST_SLOTS:
        yield BadField("task.slots", f"must be at most {MOST_SLOTS}")
    for name, value in slots.items():
        if not _SLOT.fullmatch(name):
            yield BadField(f"task.slots[{name!r:.80}]", 'a slot\'s name must be 1 to 63 letters, digits, "-" and "_"')
        if not _is_value(value):
            yield BadField(f"task.slots[{name!r:.80}]", f"must be at most {LONGEST_VALUE} characters, none of them NUL")


def _bad_parameters(parameters: tuple[Parameter, ...]) -> Iterator[BadField]:
    if len(parameters) > MOST_PARAMETERS:
        yield BadField("task.parameters", f"must be at most {MOST_PARAMETERS}")
    seen: set[str] = set()
    for place, parameter in enumerate(parameters):
        path = f"task.parameters[{place}]"
        if not _PARAMETER.fullmatch(parameter.name):
            yield BadField(f"{path}.name", 'must be a letter or "_", then letters, digits and "_": at most 63 in all')
        elif parameter.name in seen:
            yield BadField(f"{path}.name", "stands here twice: name every parameter once")
        if not _is_value(parameter.default_value):
            yield BadField(f"{path}.default_value", f"must be at most {LONGEST_VALUE} characters, none of them NUL")
        seen.add(parameter.name)


def _is_value(value: str) -> bool:
    return len(value) <= LONGEST_VALUE and "\x00" not in value
