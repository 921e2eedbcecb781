"""What a run's command sees, and what is reported of it."""

import json
import sys
from pathlib import Path

import pytest

from tests.integration.runner.conftest import CREDENTIAL, StartRunner, python_command
from tests.support.run_service import MemoryRunService

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: limits are set there alone")
SHOW = """
import json, os, sys
path = os.environ.get("RUNHOOK_PAYLOAD_FILE")
print(json.dumps({
    "argv": sys.argv[1:], "environment": dict(os.environ), "directory": os.getcwd(),
    "size": os.path.getsize(path) if path else None,
    "mode": oct(os.stat(path).st_mode & 0o777) if path else None,
}))
"""
SHOW_TO_FILE = SHOW.replace("print(json", "open('seen.json', 'w').write(json")


async def test_a_run_gets_its_payload_and_its_slots_and_nothing_else(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    more = 'artifacts = ["*.json"]\nslots = { who = "[a-z]+" }\nparameters = { region = "[a-z]{2}" }'
    await start_runner({"show": python_command(SHOW_TO_FILE, "hello {who}", more=more)})
    payload = json.dumps([{"data": "é", "type": "text/plain"}], ensure_ascii=False).encode()
    run_id = await service.add("show", payload=payload, slots={"who": "world"}, parameters={"region": "eu"})
    run = await service.until(run_id, "stored")
    seen = json.loads(run.artifacts["seen.json"])
    environment = seen["environment"]
    files = {environment.pop("RUNHOOK_PAYLOAD_FILE"), environment.pop("RESOURCE_WEBHOOK_PAYLOAD_FILE")}
    assert len(files) == 1
    assert Path(environment.pop("TMPDIR")).is_relative_to(tmp_path / "work")
    environment.pop("LC_CTYPE", None)  # Python's own, in the command
    assert environment == {
        "region": "eu",
        "resource_webhook_payload": payload.decode(),
        "RUNHOOK_RUN_ID": str(run_id),
        "RUNHOOK_EXECUTION_ID": run.order.execution_id,
    }
    assert (seen["argv"], seen["size"], seen["mode"]) == (["hello world"], len(payload), "0o600")
    assert run.report is not None
    assert (run.report.exit_code, run.report.reason) == (0, "")
    await service.until_true(lambda: len(service.requests) == 2)  # its slot is free again
    assert not list((tmp_path / "work").glob("runner-*/run-*")), "the run's directory is gone"
    assert service.metadata[0]["x-runhook-service-credential"] == CREDENTIAL


async def test_a_payload_of_5_mib_goes_in_the_file_alone_even_where_its_stream_breaks(
    service: MemoryRunService, start_runner: StartRunner
) -> None:
    await start_runner({"show": python_command(SHOW_TO_FILE, more='artifacts = ["seen.json"]')})
    service.payload_breaks = 2
    run_id = await service.add("show", payload=b"x" * (5 << 20))
    seen = json.loads((await service.until(run_id, "stored")).artifacts["seen.json"])
    assert seen["size"] == 5 << 20
    assert "resource_webhook_payload" not in seen["environment"]
    assert seen["argv"] == []


async def test_a_payload_that_is_past_its_retention_is_said_to_be(
    service: MemoryRunService, start_runner: StartRunner
) -> None:
    """The symptom: the runner took it for a lost lease and said nothing, so that the run failed as runner_lost."""
    await start_runner({"show": python_command(SHOW_TO_FILE)})
    service.payloads_gone = True
    report = (await service.until(await service.add("show", payload=b"x"), "stored")).report
    assert report is not None
    assert report.reason == "not_runnable"
    assert report.message == "the payload could not be fetched: the payload is past its retention"


async def test_a_payload_at_the_variables_limit_is_in_the_variable_and_one_byte_more_is_not(
    service: MemoryRunService, start_runner: StartRunner
) -> None:
    code = "import os; print(len(os.environ.get('resource_webhook_payload', '')))"
    await start_runner({"size": python_command(code)})
    run_ids = [await service.add("size", payload=b"x" * size) for size in (131_046, 131_047)]
    reports = [(await service.until(run_id, "stored")).report for run_id in run_ids]
    assert [report.message for report in reports if report] == ["131046", "0"]


async def test_a_failed_command_is_reported_with_its_exit_code_and_its_last_words(
    service: MemoryRunService, start_runner: StartRunner
) -> None:
    code = "import sys; print('step one'); print('\\x1b[31mit broke\\x1b[0m', file=sys.stderr); sys.exit(7)"
    await start_runner({"fail": python_command(code)})
    run = await service.until(await service.add("fail"), "stored")
    assert run.report is not None
    assert (run.report.exit_code, run.report.reason) == (7, "command_failed")
    assert set(run.report.message.split(" | ")) == {"step one", "it broke"}
    assert run.artifacts == {}


async def test_what_the_operator_did_not_name_starts_no_process(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    touch = f"open({str(tmp_path / 'touched')!r}, 'w')"
    closed = python_command(touch, "{word}", more='accounts = [2]\nslots = { word = "[a-z]+" }')
    open_to_all = python_command(touch, "{word}", more='slots = { word = "[a-z]+" }')
    await start_runner({"closed": closed, "open": open_to_all, "missing": 'argv = ["./not-there"]\n'})
    refused = {
        await service.add("closed", slots={"word": "a"}): "not open to account 1",
        await service.add("open", slots={"word": "--a"}): "slot word must match [a-z]+",
        await service.add("open"): "slot word is not filled",
        await service.add("open", slots={"word": "a", "more": "b"}): "there is no slot 'more'",
        await service.add("open", slots={"word": "a"}, parameters={"LD_PRELOAD": "x"}): "'LD_PRELOAD' is not admitted",
        await service.add("missing"): "not-there cannot be started: No such file or directory",
    }
    for run_id, problem in refused.items():
        report = (await service.until(run_id, "stored")).report
        assert report is not None
        assert (report.reason, report.HasField("exit_code")) == ("not_runnable", False)
        assert problem in report.message
    assert not (tmp_path / "touched").exists()


async def test_artifacts_arrive_whole_in_bounded_chunks_and_links_stay_behind(
    service: MemoryRunService, start_runner: StartRunner
) -> None:
    code = (
        "import os; os.makedirs('target/deep');"
        "open('target/run_results.json', 'wb').write(b'r' * 700_000); open('target/deep/empty.json', 'w');"
        "os.symlink('/etc/passwd', 'target/link.json'); open('other.txt', 'w').write('no')"
    )
    await start_runner({"make": python_command(code, more='artifacts = ["target/**/*.json"]')})
    run = await service.until(await service.add("make"), "stored")
    assert run.artifacts == {"run_results.json": b"r" * 700_000, "empty.json": b""}
    assert run.largest_chunk <= 256 * 1024


async def test_a_runner_takes_no_more_runs_than_it_has_slots(
    service: MemoryRunService, start_runner: StartRunner, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    code = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)"
    await start_runner({"wait": python_command(code)}, runner_slots=2)
    run_ids = [await service.add("wait") for _ in range(5)]
    await service.until_true(lambda: [run.state for run in service.runs.values()].count("running") == 2)
    assert [run.state for run in service.runs.values()].count("pending") == 3
    gate.touch()
    for run_id in run_ids:
        await service.until(run_id, "stored")
    assert {len(request.commands) for request in service.requests} == {0, 1}
    assert service.requests[0].free_slots == 2


@linux
async def test_a_commands_limits_are_its_processes(service: MemoryRunService, start_runner: StartRunner) -> None:
    code = (
        "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE))"
    )
    await start_runner({"show": python_command(code, more="limits = { open_files = 64 }")})
    report = (await service.until(await service.add("show"), "stored")).report
    assert report is not None
    assert report.message == "(64, 64) (0, 0)"
