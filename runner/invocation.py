"""What a run's order makes of an operator's command: a program, its arguments and its environment, or the reasons why
not.

Pure. Guards that a task decides only what the operator left open: its values fill slots and parameters that a pattern
allows, and no byte of a payload ever becomes an argument. A refused order starts no process.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from runner.commands import PAYLOAD_VARIABLE, Command, Commands

PAYLOAD_FILE_VARIABLES = ("RUNHOOK_PAYLOAD_FILE", "RESOURCE_WEBHOOK_PAYLOAD_FILE")
#: What programs that tell traces read: https://opentelemetry.io/docs/specs/otel/context/env-carriers/
TRACE_VARIABLE = "TRACEPARENT"
#: Linux takes no longer variable: name, "=", value and the final NUL together.
LONGEST_VARIABLE = 131_072
LONGEST_PAYLOAD_VARIABLE = LONGEST_VARIABLE - len(PAYLOAD_VARIABLE) - 2
LONGEST_SLOT_VALUE = 4_096


class NotRunnable(Exception):
    """The order asks for something that the operator has not admitted; says all of it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run asks for, as trigger_svc gave it, but for the payload. `timeout_seconds` is above 0.

    `log_bytes` is where its log goes on, after what an earlier attempt printed; `run_token` fetches its payload for
    whatever carries it out elsewhere; `traceparent` is the trace that it belongs to, "" for none.
    """

    run_id: int
    account_id: int
    execution_id: str
    command: str
    slots: Mapping[str, str]
    parameters: Mapping[str, str]
    has_payload: bool
    timeout_seconds: float
    log_bytes: int = 0
    run_token: str = field(default="", repr=False)
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Absolute paths of a run: its own directory, one for temporary files, and its payload's file or ""."""

    run_directory: str
    temporary_directory: str
    payload_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What is executed: argv (the program first), the whole environment, where it starts, and its limits: numbers by
    names that Python's module resource knows, such as RLIMIT_CPU."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    limits: Mapping[str, int] = field(default_factory=dict)


class Terms(Protocol):
    """What an order must keep to, whatever carries it out. Empty accounts admit all."""

    @property
    def accounts(self) -> frozenset[int]: ...
    @property
    def slots(self) -> Mapping[str, re.Pattern[str]]: ...
    @property
    def parameters(self) -> Mapping[str, re.Pattern[str]]: ...


def admit(order: Order, commands: Commands) -> Command:
    """The command that the order may have. NotRunnable names everything that stands against it."""
    command = commands.by_name.get(order.command)
    if command is None:
        raise NotRunnable([f"this runner has no command {order.command!r}"])
    check(order, command)
    return command


def check(order: Order, command: Terms) -> None:
    """Passes an order that keeps to the terms of its command. NotRunnable names everything that stands against it."""
    if command.accounts and order.account_id not in command.accounts:
        raise NotRunnable([f"command {order.command} is not open to account {order.account_id}"])
    problems = _slot_problems(order, command) + _parameter_problems(order, command)
    if problems:
        raise NotRunnable([f"command {order.command}: {problem}" for problem in problems])


def invoke(
    order: Order, commands: Commands, places: Places, *, inherited: Mapping[str, str], payload: str | None
) -> Invocation:
    """The invocation of an admitted order. `payload` is the text for the variable, None where it is for the file alone;
    `inherited` is the runner's own environment."""
    command = admit(order, commands)
    spots = {"run_directory": places.run_directory, "commands_directory": commands.directory}
    environment = {name: value.format_map(spots) for name, value in command.environment.items()}
    environment |= {name: inherited[name] for name in command.inherit if name in inherited}
    environment |= order.parameters
    environment |= {
        "RUNHOOK_RUN_ID": str(order.run_id),
        "RUNHOOK_EXECUTION_ID": order.execution_id,
        "TMPDIR": places.temporary_directory,
    }
    if order.traceparent:
        environment[TRACE_VARIABLE] = order.traceparent
    if order.has_payload:
        environment |= dict.fromkeys(PAYLOAD_FILE_VARIABLES, places.payload_file)
    if payload is not None and fits_variable(payload.encode()):
        environment[PAYLOAD_VARIABLE] = payload
    return Invocation(
        argv=tuple(one.format_map({**spots, **order.slots}) for one in commands.argv_of(command)),
        environment=environment,
        directory=commands.resolve(command.working_directory) if command.working_directory else places.run_directory,
        limits=command.limits.by_resource(),
    )


def fits_variable(payload: bytes) -> bool:
    """Whether the payload can be a variable's value; else it is in the file alone."""
    return len(payload) <= LONGEST_PAYLOAD_VARIABLE and b"\0" not in payload


def _slot_problems(order: Order, command: Terms) -> list[str]:
    problems = [f"slot {name} is not filled" for name in sorted(command.slots.keys() - order.slots.keys())]
    problems += [f"there is no slot {name!r}" for name in sorted(order.slots.keys() - command.slots.keys())]
    for name in sorted(order.slots.keys() & command.slots.keys()):
        value = order.slots[name]
        if len(value) > LONGEST_SLOT_VALUE or "\0" in value or not command.slots[name].fullmatch(value):
            problems.append(f"slot {name} must match {command.slots[name].pattern}")
    return problems


def _parameter_problems(order: Order, command: Terms) -> list[str]:
    unknown = sorted(order.parameters.keys() - command.parameters.keys())
    problems = [f"context parameter {name!r} is not admitted" for name in unknown]
    for name in sorted(order.parameters.keys() & command.parameters.keys()):
        value = order.parameters[name]
        if len(name.encode()) + len(value.encode()) + 2 > LONGEST_VARIABLE:
            problems.append(f"context parameter {name} is too long for a variable")
        elif "\0" in value or not command.parameters[name].fullmatch(value):
            problems.append(f"context parameter {name} must match {command.parameters[name].pattern}")
    return problems
