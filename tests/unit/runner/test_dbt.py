"""What is made of dbt's results: of good ones, of none, and of files that nobody should trust."""

import json
from typing import Any

import pytest

from runner.dbt import LARGEST_SUMMARY, early_message, message, results_of, summary
from runner.ending import LONGEST_MESSAGE, Report

FAILED = Report(reason="command_failed", exit_code=1, message="the last line")


def result(name: str, status: str = "success", seconds: float = 0.1, said: str | None = None) -> dict[str, Any]:
    """One node's result as dbt writes it."""
    return {"unique_id": f"model.shop.{name}", "status": status, "execution_time": seconds, "message": said}


def run_results(*results: Any, **changes: Any) -> bytes:
    """A run_results.json."""
    content = {
        "metadata": {"dbt_version": "1.11.16"},
        "args": {"which": "build"},
        "elapsed_time": 2.04,
        "results": list(results),
    }
    return json.dumps(content | changes).encode()


def test_counts_slowest_and_failed_nodes_are_the_summary() -> None:
    nodes = [result(f"n{number}", seconds=number / 10) for number in range(12)]
    content = run_results(*nodes, result("orders", "error", 0.01, "Conversion Error:\n  no"), result("late", "skipped"))
    manifest = json.dumps({"nodes": {"model.shop.orders": {"original_file_path": "models/orders.sql", "name": "ord"}}})
    results = results_of(content, manifest.encode())
    assert results is not None
    made = json.loads(summary(results))
    assert made["counts"] == {"success": 12, "error": 1, "skipped": 1}
    assert [node["name"] for node in made["slowest"]] == [f"n{number}" for number in range(11, 1, -1)]
    assert made["failed"] == [
        {
            "unique_id": "model.shop.orders",
            "name": "ord",
            "resource_type": "model",
            "path": "models/orders.sql",
            "status": "error",
            "seconds": 0.01,
            "message": "Conversion Error:   no",
        }
    ]
    assert (made["command"], made["dbt_version"], made["node_count"], made["elapsed_seconds"]) == (
        *("build", "1.11.16", 14),
        2.04,
    )
    assert message(FAILED, results, b"") == (
        "dbt build: 12 success, 1 error, 1 skipped in 2.0 s | ord: Conversion Error:   no"
    )


def test_a_killed_command_says_so_before_its_results() -> None:
    results = results_of(run_results(result("a")), b"")
    assert results is not None
    killed = Report(reason="timed_out", message="killed after 90 s: Running with dbt")
    assert message(killed, results, b"") == "killed after 90 s: dbt build: 1 success in 2.0 s"


def test_a_failure_without_a_failed_node_says_what_dbt_said_last() -> None:
    results = results_of(run_results(result("a")), b"")
    assert results is not None
    output = b"08:12:00  Database Error in operation on-run-end\n08:12:00    no such table\n"
    assert message(FAILED, results, output).endswith(" | Database Error in operation on-run-end | no such table")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            b"08:12:00  Running with dbt=1.11.16\n08:12:01  Encountered an error:\nRuntime Error\n  Could not find profile\n",
            "Runtime Error | Could not find profile",
        ),
        (b"08:12:01  Compilation Error\n08:12:01    depends on nothing\n", "Compilation Error | depends on nothing"),
        (b"whatever\n", "the last line"),
    ],
)
def test_a_command_that_fails_early_says_why(output: bytes, said: str) -> None:
    assert early_message(FAILED, output) == f"dbt failed before it ran anything: {said}"


def test_a_command_that_makes_no_results_and_succeeds_keeps_its_last_line() -> None:
    assert (
        early_message(Report(reason="", exit_code=0, message="Installed 3"), b"Encountered an error: no")
        == "Installed 3"
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[" * 100_000, b"null", b"[]", b'{"results": 7}', b'{"results": null}', b'{"a":' * 50_000],
)
def test_a_broken_file_is_as_good_as_none(content: bytes) -> None:
    assert results_of(content, content) is None


@pytest.mark.parametrize(
    "odd",
    [None, 7, "x", [], {}, {"unique_id": 7, "status": [], "execution_time": "x", "message": {}}]
    + [{"execution_time": value} for value in (float("inf"), float("nan"), -1, 10**400, True)],
)
def test_odd_values_in_a_file_are_read_as_nothing(odd: Any) -> None:
    results = results_of(run_results(odd, elapsed_time=odd, args=odd, metadata=odd), b'{"nodes": []}')
    assert results is not None
    assert json.loads(summary(results), parse_constant=pytest.fail)["elapsed_seconds"] == 0 or odd == 7
    assert message(FAILED, results, b"").isprintable()


def test_whatever_is_in_a_file_what_is_made_of_it_is_small_and_printable() -> None:
    long = "\U0001f4a5\x1b[31m\x00\n" * 20_000
    nodes = [result(f"{long}{number}", long if number % 2 else "error", said=long) for number in range(40)]
    results = results_of(run_results(*nodes, args={"which": long}, metadata={"dbt_version": long}), b"")
    assert results is not None
    assert len(summary(results).encode()) <= LARGEST_SUMMARY
    said = message(FAILED, results, b"")
    assert len(said) <= LONGEST_MESSAGE
    assert said.isprintable()
