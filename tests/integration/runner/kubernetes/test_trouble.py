"""Runs as Jobs when something is wrong: with the pod, the cluster, the lease, the runner."""

import asyncio
import signal

import pytest

from tests.integration.runner.kubernetes.conftest import Cluster, StartRunner, python, template
from tests.support.kube_api import Document
from tests.support.kubelet import MISSING_IMAGE
from tests.support.run_service import MemoryRunService

FOREVER = "import time; print('going', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('going', flush=True); time.sleep(600)"
)
OUT_OF_MEMORY = python("import os; os.kill(os.getpid(), 9)", container={"resources": {"limits": {"memory": "64Mi"}}})


@pytest.mark.parametrize(
    ("document", "reason", "words"),
    [
        (template("/no/such/program"), "not_runnable", "the command cannot be started: exec failed"),
        (template("x", container={"image": MISSING_IMAGE}), "not_runnable", "cannot be pulled (ImagePullBackOff)"),
        (template("x", nodeSelector={"gpu": "yes"}), "not_runnable", "no node takes its pod: 0/3 nodes are available"),
        (OUT_OF_MEMORY, "command_failed", "more memory than its limit of 64Mi: raise resources.limits.memory"),
        (template("x", container={"no": "such"}), "not_runnable", "the cluster does not make the Job: $.spec.template"),
    ],
    ids=["no-program", "no-image", "no-node", "no-memory", "no-such-field"],
)
async def test_a_pod_that_cannot_run_ends_its_run_with_what_to_do(
    kubernetes: Cluster,
    service: MemoryRunService,
    start_runner: StartRunner,
    document: Document,
    reason: str,
    words: str,
) -> None:
    await start_runner({"etl": (document, {"payload_variable": False})}, runner_job_start_seconds=2)
    run = await service.until(await service.add("etl"), "stored")
    assert run.report is not None
    assert (run.report.reason, run.report.HasField("exit_code")) == (reason, False)
    assert words in run.report.message
    await kubernetes.gone()


async def test_a_payload_that_is_refused_makes_the_run_not_runnable(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    await start_runner({"etl": (python("print(7)"), {})}, runner_job_trigger_svc="127.0.0.1:1")
    run_id = await service.add("etl", payload=b"[]")
    await kubernetes.api.until(lambda: bool(kubernetes.kubelet.pods))
    [pod] = kubernetes.kubelet.pods.values()
    await pod.until_running("runhook-fetch")
    pod.kill()
    run = await service.until(run_id, "stored")
    assert run.report is not None
    assert (run.report.reason, run.report.message) == ("not_runnable", "the payload could not be fetched: OOMKilled")


async def test_a_run_that_takes_too_long_is_stopped_and_a_stubborn_one_killed(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    await start_runner({"etl": (python(STUBBORN), {})})
    run = await service.until(await service.add("etl", timeout={"seconds": 3}), "stored")
    assert run.report is not None
    assert (run.report.reason, run.report.message) == ("timed_out", "killed after 3 s: going")
    await kubernetes.gone()


async def test_a_job_of_a_lost_lease_is_deleted_and_nothing_is_reported(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    await start_runner({"etl": (python(FOREVER), {})}, runner_heartbeat_seconds=0.5)
    run_id = await service.add("etl")
    await service.until_true(lambda: service.runs[run_id].log == b"going\n")
    service.take_away(run_id)
    await kubernetes.gone()
    assert service.runs[run_id].report is None


async def test_a_stopped_runner_takes_its_jobs_with_it(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    runner = await start_runner({"etl": (python(FOREVER), {})}, grace_seconds=1)
    run_id = await service.add("etl")
    await service.until_true(lambda: service.runs[run_id].log == b"going\n")
    runner.send_signal(signal.SIGTERM)
    run = await service.until(run_id, "stored")
    assert run.report is not None
    assert (run.report.reason, run.report.message) == ("command_failed", "runner was stopped: going")
    await kubernetes.gone()
    assert await runner.wait() == 0


async def test_a_restarted_runner_deletes_what_its_former_self_left(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    jobs: dict[str, tuple[Document, Document]] = {"etl": (python(FOREVER), {})}
    runner = await start_runner(jobs)
    run_id = await service.add("etl")
    await service.until_true(lambda: service.runs[run_id].log == b"going\n")
    runner.kill()
    await runner.wait()
    assert kubernetes.api.objects["jobs"]
    await start_runner(jobs)
    await kubernetes.gone()


async def test_an_earlier_attempts_job_is_gone_before_the_next_is_made(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    """Its runner, of another name, was lost; its pod was not."""
    jobs: dict[str, tuple[Document, Document]] = {"etl": (python(FOREVER), {})}
    lost = await start_runner(jobs)
    run_id = await service.add("etl")
    await service.until_true(lambda: service.runs[run_id].log == b"going\n")
    lost.kill()
    await lost.wait()
    await service.until_true(lambda: not service.streams)
    first = set(kubernetes.kubelet.pods)
    await service.hand_out_again(run_id)
    await start_runner(jobs, pod_name="runner-1")
    await kubernetes.api.until(lambda: len(kubernetes.kubelet.pods) == 2)
    assert not first & set(kubernetes.api.objects["jobs"])
    assert first.isdisjoint(
        pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] for pod in kubernetes.api.objects["pods"].values()
    )


async def test_broken_and_expired_watches_lose_nothing(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    code = """
import sys, time, pathlib
print("first", flush=True)
while not pathlib.Path(sys.argv[1] + "/go").exists(): time.sleep(0.05)
"""
    await start_runner({"etl": (python(code, "{run_directory}"), {})})
    run_id = await service.add("etl")
    await service.until_true(lambda: service.runs[run_id].log == b"first\n")
    lists = kubernetes.api.lists
    await kubernetes.api.bookmark()
    await kubernetes.api.until(lambda: kubernetes.api.bookmarks_told >= 2)
    await kubernetes.api.forget(keep=1)  # only who heard the bookmark can go on
    await kubernetes.api.break_watches()
    await kubernetes.api.until(lambda: kubernetes.api.watches == 2)
    assert kubernetes.api.lists == lists
    await kubernetes.api.bookmark(tell=False)
    await kubernetes.api.forget()
    [pod] = kubernetes.kubelet.pods.values()
    (pod.volume("runhook-run") / "go").touch()
    await kubernetes.api.break_watches()
    run = await service.until(run_id, "stored")
    assert kubernetes.api.lists > lists
    assert run.report is not None
    assert run.report.exit_code == 0


async def test_a_cluster_that_is_away_is_waited_for(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    kubernetes.api.away = True
    await start_runner({"etl": (python("print(7)"), {})})
    run_id = await service.add("etl")
    await service.until(run_id, "running")
    await kubernetes.api.until(lambda: len(kubernetes.api.requests) > 4)
    kubernetes.api.away = False
    run = await service.until(run_id, "stored")
    assert run.report is not None
    assert run.report.exit_code == 0


async def test_a_lack_of_rights_says_which_role_has_them(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    kubernetes.api.rights.discard(("jobs", "create"))
    await start_runner({"etl": (python("print(7)"), {})})
    run = await service.until(await service.add("etl"), "stored")
    assert run.report is not None
    assert run.report.reason == "not_runnable"
    assert "lacks a right: see the Role in deploy/components/kubernetes-jobs" in run.report.message


async def test_an_evicted_pod_ends_its_run(
    kubernetes: Cluster, service: MemoryRunService, start_runner: StartRunner
) -> None:
    await start_runner({"etl": (python(FOREVER), {})})
    run_id = await service.add("etl")
    await service.until_true(lambda: service.runs[run_id].log == b"going\n")
    [pod] = kubernetes.kubelet.pods.values()
    await pod.evict()
    run = await service.until(run_id, "stored")
    assert run.report is not None
    assert run.report.reason == "command_failed"
    assert run.report.message.startswith(
        "the cluster took its pod away: Evicted: The node was low on resource: memory."
    )


async def test_without_a_cluster_or_an_image_it_is_one_line_and_code_2(start_runner: StartRunner) -> None:
    jobs: dict[str, tuple[Document, Document]] = {"etl": (python("print(7)"), {})}
    for settings in ({"runner_job_image": ""}, {"kubeconfig": "/nowhere"}):
        runner = await start_runner(jobs, **settings)
        async with asyncio.timeout(20):
            assert await runner.wait() == 2
