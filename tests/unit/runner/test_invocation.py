"""From an order to an invocation: what a task decides, what it does not, and where the payload goes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.commands import parse_commands
from runner.invocation import Invocation, NotRunnable, Order, Places, admit, fits_variable, invoke

COMMANDS = parse_commands(
    {
        "commands": {
            "greet": {
                "argv": ["../bin/greet", "--to={who}", "{run_directory}", "{{}}"],
                "slots": {"who": "[a-z]{1,8}"},
                "parameters": {"region": "eu|us"},
                "environment": {"LANG": "C", "HOME": "{run_directory}/home"},
                "inherit": ["PATH", "LANG", "MISSING"],
                "accounts": [1, 2],
            },
            "plain": {"argv": ["plain"], "working_directory": "sub", "slots": {}},
        }
    },
    "/etc/runner",
)
PLACES = Places(run_directory="/place/files", temporary_directory="/place/tmp", payload_file="/place/payload")
INHERITED = {"PATH": "/bin", "SECRET": "x", "RUNHOOK_SERVICE_CREDENTIAL_FILE": "/x", "LD_PRELOAD": "/x.so"}


def order(command: str = "greet", **changes: Any) -> Order:
    """An order that can be carried out, but for the changes."""
    values: dict[str, Any] = {
        "run_id": 7,
        "account_id": 1,
        "execution_id": "exe_7",
        "slots": {"who": "world"} if command == "greet" else {},
        "parameters": {},
        "has_payload": False,
        "timeout_seconds": 60.0,
    }
    return Order(command=command, **{**values, **changes})


def made(given_order: Order, payload: str | None = None) -> Invocation:
    """Its invocation."""
    return invoke(given_order, COMMANDS, PLACES, inherited=INHERITED, payload=payload)


def test_slots_fill_arguments_and_the_environment_holds_only_what_was_named() -> None:
    assert made(order(parameters={"region": "eu"})) == Invocation(
        argv=("/etc/bin/greet", "--to=world", "/place/files", "{}"),
        environment={
            "PATH": "/bin",
            "LANG": "C",
            "HOME": "/place/files/home",
            "region": "eu",
            "RUNHOOK_RUN_ID": "7",
            "RUNHOOK_EXECUTION_ID": "exe_7",
            "TMPDIR": "/place/tmp",
        },
        directory="/place/files",
        limits={},
    )
    assert made(order("plain")).directory == "/etc/runner/sub"


def test_a_command_is_told_the_trace_that_it_belongs_to_and_nothing_where_there_is_none() -> None:
    traceparent = f"00-{'a' * 32}-{'b' * 16}-01"
    assert made(order(traceparent=traceparent)).environment["TRACEPARENT"] == traceparent
    assert "TRACEPARENT" not in made(order()).environment


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"command": "rm"}, "this runner has no command 'rm'"),
        ({"account_id": 3}, "command greet is not open to account 3"),
        ({"slots": {}}, "slot who is not filled"),
        ({"slots": {"who": "world", "what": "x"}}, "there is no slot 'what'"),
        ({"slots": {"who": "World"}}, "slot who must match [a-z]{1,8}"),
        ({"slots": {"who": "world\n"}}, "slot who must match [a-z]{1,8}"),
        ({"slots": {"who": "--version"}}, "slot who must match [a-z]{1,8}"),
        ({"parameters": {"LD_PRELOAD": "/tmp/x.so"}}, "context parameter 'LD_PRELOAD' is not admitted"),
        ({"parameters": {"region": "mars"}}, "context parameter region must match eu|us"),
        ({"parameters": {"region": "x" * 131_072}}, "context parameter region is too long for a variable"),
    ],
)
def test_what_the_operator_did_not_admit_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(NotRunnable) as caught:
        admit(order(**changes), COMMANDS)
    assert problem in str(caught.value)


def test_everything_that_stands_against_an_order_is_said_at_once() -> None:
    with pytest.raises(NotRunnable) as caught:
        admit(order(slots={"what": "x"}, parameters={"A": "", "region": ""}), COMMANDS)
    assert str(caught.value).count("; ") == 3


def test_a_slot_without_a_pattern_that_forbids_it_still_cannot_hold_nul() -> None:
    commands = parse_commands({"commands": {"any": {"argv": ["x", "{a}"], "slots": {"a": "(?s).*"}}}}, "/etc")
    assert admit(order("any", slots={"a": "-x\ny"}), commands)
    for value in ("a\0b", "x" * 4_097):
        with pytest.raises(NotRunnable):
            admit(order("any", slots={"a": value}), commands)


def test_a_payload_is_in_the_variable_up_to_its_limit_and_always_in_the_file() -> None:
    for payload, in_variable in (("x" * 131_046, True), ("x" * 131_047, False), ("é" * 65_524, False), ("\0", False)):
        environment = made(order(has_payload=True), payload).environment
        assert environment.get("resource_webhook_payload") == (payload if in_variable else None)
        assert environment["RUNHOOK_PAYLOAD_FILE"] == environment["RESOURCE_WEBHOOK_PAYLOAD_FILE"] == "/place/payload"
        assert fits_variable(payload.encode()) is in_variable
    without = made(order()).environment
    assert not {name for name in without if "PAYLOAD" in name.upper()}


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_no_byte_of_a_payload_becomes_an_argument(payload: str) -> None:
    assert made(order(has_payload=True), payload).argv == made(order()).argv
