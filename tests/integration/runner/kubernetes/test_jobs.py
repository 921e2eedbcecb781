"""Runs as Jobs: from the lease to the last report, with pods that really run."""

import json

from tests.integration.runner.kubernetes.conftest import Cluster, StartRunner, python
from tests.support.run_service import MemoryRunService

REPORT = """
import json, os
variable = os.environ.get("resource_webhook_payload")
with open(os.environ["RESOURCE_WEBHOOK_PAYLOAD_FILE"], "rb") as file: payload = file.read()
same = variable is not None and os.environb[b"resource_webhook_payload"] == payload
print(json.dumps([len(payload), variable is not None, same, os.environ["region"], os.environ["RUNHOOK_RUN_ID"]]))
"""


async def test_a_run_becomes_a_job_and_its_end_the_runs_end(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    await start_runner({"etl": (python(REPORT), {"parameters": {"region": ".*"}})})
    payload = '[{"data":"\u00fc \U0001f600 $HOME `x` \\"","type":"text/plain"}]'.encode()
    run_id = await service.add("etl", payload=payload, parameters={"region": "eu $(HOME) $$"})
    run = await service.until(run_id, "stored")
    assert run.report is not None
    assert (run.report.exit_code, run.report.reason) == (0, "")
    assert json.loads(run.report.message) == [len(payload), True, True, "eu $(HOME) $$", str(run_id)]
    await kubernetes.gone()


async def test_a_payload_beyond_a_variable_is_in_the_file_alone_and_in_no_object(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    await start_runner({"etl": (python(REPORT), {"parameters": {"region": ".*"}})})
    payload = b"[" + b'"needle",' * 800_000 + b"0]"
    made = kubernetes.api.jobs_made
    run_id = await service.add("etl", payload=payload, parameters={"region": ""})
    run = await service.until(run_id, "stored", 40)
    assert run.report is not None
    assert json.loads(run.report.message) == [len(payload), False, False, "", str(run_id)]
    assert made.empty()
    assert not any("needle" in json.dumps(one) for one in kubernetes.api.seen)


async def test_the_largest_variable_and_one_byte_more(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    await start_runner({"etl": (python(REPORT), {"parameters": {"region": ".*"}})})
    told = []
    for size in (131_046, 131_047):
        run = await service.until(await service.add("etl", payload=b"7" * size, parameters={"region": ""}), "stored")
        assert run.report is not None
        told.append(json.loads(run.report.message)[:3])
    assert told == [[131_046, True, True], [131_047, False, False]]


async def test_a_job_that_wants_no_variable_needs_no_shell(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    await start_runner({"etl": (python(REPORT), {"parameters": {"region": ".*"}, "payload_variable": False})})
    run = await service.until(await service.add("etl", payload=b"[1]", parameters={"region": ""}), "stored")
    assert run.report is not None
    assert json.loads(run.report.message)[:3] == [3, False, False]


async def test_what_the_command_prints_is_the_runs_log_as_it_comes(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    code = """
import sys, time, pathlib
print("first", flush=True)
while not pathlib.Path(sys.argv[1] + "/go").exists(): time.sleep(0.05)
print("last"); sys.exit(3)
"""
    await start_runner({"etl": (python(code, "{run_directory}"), {})})
    kubernetes.api.broken_logs = 1
    run_id = await service.add("etl")
    await service.until_true(lambda: service.runs[run_id].log == b"first\n")
    [pod] = kubernetes.kubelet.pods.values()
    (pod.volume("runhook-run") / "go").touch()
    run = await service.until(run_id, "stored")
    assert run.log == b"first\nlast\n"
    assert run.report is not None
    assert (run.report.exit_code, run.report.reason, run.report.message) == (3, "command_failed", "first | last")


async def test_artifacts_come_out_of_the_pod(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    code = """
import os, pathlib, sys
here = pathlib.Path(sys.argv[1])
(here / "target").mkdir()
(here / "target" / "a.json").write_bytes(bytes(range(256)) * 4096)
(here / "target" / "link.json").symlink_to("/etc/passwd")
"""
    await start_runner({"etl": (python(code, "{run_directory}"), {"artifacts": ["target/*.json"]})})
    run = await service.until(await service.add("etl"), "stored")
    assert run.artifacts == {"a.json": bytes(range(256)) * 4096}
    await kubernetes.gone()


async def test_the_role_in_deploy_has_the_verbs_that_are_used_and_no_others(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    """A run with all that runs can have, whose Job is made twice because an answer got lost."""
    kubernetes.api.lose_answers = 1
    await start_runner({"etl": (python("print(7)"), {"artifacts": ["*"]})})
    run = await service.until(await service.add("etl", payload=b"[]"), "stored")
    assert run.report is not None
    assert run.report.exit_code == 0
    assert kubernetes.api.used == kubernetes.api.rights
    assert len(kubernetes.kubelet.pods) == 1
