"""A bad task is refused with every bad field named."""

from typing import Any

import pytest

from tests.support.trigger import new_task
from trigger_svc.task import Parameter, bad_fields


def a_parameter(name: str, default_value: str = "") -> Parameter:
    return Parameter(name=name, default_value=default_value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "ä" * 255},
        {"environment_name": "", "project_name": "", "dbt_version": ""},
        {"slots": {"target": "a\nb", "a-b_C9": "x" * 4096}},
        {"parameters": ()},
        {"parameters": tuple(a_parameter(f"p{number}", "x" * 4096) for number in range(100))},
        {"parameters": (a_parameter("_" + "a" * 62),)},
        {"timeout_seconds": 60.0},
        {"timeout_seconds": 86_400.0},
        {"max_attempts": 10},
        {"kind": "big_data"},
    ],
)
def test_a_good_task_has_no_bad_field(changes: dict[str, Any]) -> None:
    assert bad_fields(new_task(**changes)) == []


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": ""}, ["task.name"]),
        ({"name": "x" * 256}, ["task.name"]),
        ({"name": "a\x00"}, ["task.name"]),
        ({"environment_name": "a\n"}, ["task.environment_name"]),
        ({"project_name": "x" * 256}, ["task.project_name"]),
        ({"dbt_version": "\x7f"}, ["task.dbt_version"]),
        ({"command": ""}, ["task.command"]),
        ({"command": "rm -rf"}, ["task.command"]),
        ({"command": "x" * 64}, ["task.command"]),
        ({"account_id": 0}, ["task.account_id"]),
        ({"environment_id": -1}, ["task.environment_id"]),
        ({"project_id": -1}, ["task.project_id"]),
        ({"kind": "unknown"}, ["task.kind"]),
        ({"timeout_seconds": 59.0}, ["task.timeout"]),
        ({"timeout_seconds": 86_401.0}, ["task.timeout"]),
        ({"timeout_seconds": 60.5}, ["task.timeout"]),
        ({"max_attempts": 11}, ["task.max_attempts"]),
        ({"max_attempts": -1}, ["task.max_attempts"]),
        ({"slots": {"a b": "x"}}, ["task.slots['a b']"]),
        ({"slots": {"a": "x" * 4097}}, ["task.slots['a']"]),
        ({"slots": {"a": "\x00"}}, ["task.slots['a']"]),
        ({"slots": {f"s{number}": "" for number in range(101)}}, ["task.slots"]),
        ({"parameters": (a_parameter("1a"),)}, ["task.parameters[0].name"]),
        ({"parameters": (a_parameter("a"), a_parameter("a"))}, ["task.parameters[1].name"]),
        ({"parameters": (a_parameter("a", "x" * 4097),)}, ["task.parameters[0].default_value"]),
        ({"parameters": tuple(a_parameter(f"p{number}") for number in range(101))}, ["task.parameters"]),
        (
            {"name": "", "command": "A", "timeout_seconds": 0.0, "parameters": (a_parameter("", "\x00"),)},
            [
                "task.name",
                "task.command",
                "task.timeout",
                "task.parameters[0].name",
                "task.parameters[0].default_value",
            ],
        ),
    ],
)
def test_every_bad_field_is_named(changes: dict[str, Any], fields: list[str]) -> None:
    assert [bad.field for bad in bad_fields(new_task(**changes))] == fields
