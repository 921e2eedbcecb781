"""The example's commands through a real runner: dbt Core reads the calls, and one broken call fails one model."""

import json
from pathlib import Path

import pytest

from tests.integration.runner.conftest import CREDENTIAL, ROOT, StartRunner
from tests.support.dbt import need_dbt
from tests.support.run_service import MemoryRunService

EXAMPLE = ROOT / "examples" / "commands.toml"


def calls(*bodies: dict[str, object]) -> bytes:
    """The parameter that a window of these calls makes."""
    elements = [{"data": json.dumps(body), "type": "application/json"} for body in bodies]
    return json.dumps(elements, separators=(",", ":")).encode()


@pytest.fixture(autouse=True)
def dbt() -> None:
    """dbt's own environment."""
    need_dbt()


@pytest.mark.timeout(600)
async def test_dbt_builds_what_the_calls_say_and_a_broken_call_fails_exactly_one_model(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DATABASE", str(tmp_path / "shop.duckdb"))
    await start_runner({}, runner_commands_file=EXAMPLE, runner_slots=1)
    patient = {"seconds": 240}  # dbt starts slowly where other tests want the processors, too
    good = await service.add(
        "dbt-build",
        timeout=patient,
        payload=calls(
            {"order_id": 1156, "status": "shipped", "at": "2026-10-03T08:12:00Z"},
            {"order_id": 1150, "status": "delivered"},
        ),
    )
    bad = await service.add(
        "dbt-build", timeout=patient, payload=calls({"order_id": 1158, "status": "paid", "amount": "not-a-number"})
    )

    run = await service.until(good, "stored", seconds=250)
    assert run.report is not None
    assert (run.report.exit_code, run.report.reason) == (0, "")
    assert run.report.message.startswith("dbt build: ")
    counts = json.loads(run.report.summary)["counts"]
    assert sum(counts.values()) == 43
    assert set(counts) <= {"success", "pass"}
    assert b"Done. PASS=43 WARN=0 ERROR=0 SKIP=0" in run.log
    assert set(run.artifacts) == {"run_results.json", "manifest.json"}
    assert built(run.artifacts["run_results.json"])["model.shop.fct_order_updates"] == "success"

    run = await service.until(bad, "stored", seconds=250)
    assert run.report is not None
    assert (run.report.exit_code, run.report.reason) == (1, "command_failed")
    assert 'Could not convert string "not-a-number" to DECIMAL' in run.report.message
    statuses = built(run.artifacts["run_results.json"])
    assert [name for name, status in statuses.items() if status == "error"] == ["model.shop.fct_order_updates"]
    summary = json.loads(run.report.summary)
    assert (summary["node_count"], summary["failed_count"], summary["counts"]["error"]) == (43, 1, 1)
    [failed] = summary["failed"]
    assert (failed["unique_id"], failed["path"]) == (
        *("model.shop.fct_order_updates",),
        "models/marts/fct_order_updates.sql",
    )
    assert 'Could not convert string "not-a-number" to DECIMAL' in failed["message"]
    assert len(summary["slowest"]) == 10
    assert CREDENTIAL not in run.report.message


@pytest.mark.timeout(120)
async def test_dbt_that_fails_before_it_runs_anything_says_why(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    profiles = json.dumps(str(tmp_path))  # no profiles.yml in there
    project = json.dumps(str(ROOT / "examples" / "dbt"))
    dbt = json.dumps(str(ROOT / ".venv-dbt" / "bin" / "dbt"))
    table = f'argv = [{dbt}, "build", "--project-dir", {project}, "--profiles-dir", {profiles}]\npreset = "dbt"\n'
    await start_runner({"early": table + 'inherit = ["PATH", "HOME"]\nenvironment = { DO_NOT_TRACK = "1" }\n'})
    run = await service.until(await service.add("early"), "stored", seconds=100)
    assert run.report is not None
    assert (run.report.reason, run.report.summary, run.artifacts) == ("command_failed", "", {})
    assert run.report.message.startswith("dbt failed before it ran anything: ")
    assert "Could not find profile named" in run.report.message


def built(run_results: bytes) -> dict[str, str]:
    """Each node's status."""
    return {result["unique_id"]: result["status"] for result in json.loads(run_results)["results"]}
