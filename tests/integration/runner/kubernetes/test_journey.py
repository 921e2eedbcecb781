"""The whole way: calls to a trigger, a window, an execution, a Job in a cluster, events; with trigger_svc as it is."""

from pathlib import Path
from typing import Any

import grpc
import pytest

from runhook.delivery.v1 import event_pb2
from runhook.trigger.v1 import run_service_pb2 as run_pb
from runhook.trigger.v1 import trigger_service_pb2 as pb
from tests.integration.runner.kubernetes.conftest import Cluster, StartRunner, python
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, call
from tests.support.trigger_service import CREDENTIAL, METADATA, Service, service
from trigger_svc.run_token import PREFIX

RESULT = """
import json, os, pathlib, sys
with open(os.environ["RESOURCE_WEBHOOK_PAYLOAD_FILE"], "rb") as file: calls = json.load(file)
(pathlib.Path(sys.argv[1]) / "sum.json").write_text(json.dumps([one["data"] for one in calls]))
print(len(calls), "calls for", sys.argv[2])
"""


@pytest.fixture
async def trigger_svc(database: Database, tmp_path: Path) -> Any:
    """trigger_svc in this process."""
    (tmp_path / "trigger").mkdir()
    async with service(database, tmp_path / "trigger", TRIGGER_LEASE_SECONDS=5) as running:
        yield running


async def test_two_calls_become_a_job_and_three_words_about_it(
    trigger_svc: Service, kubernetes: Cluster, start_runner: StartRunner
) -> None:
    table = {"slots": {"target": "[a-z]+"}, "artifacts": ["*.json"]}
    await start_runner(
        {"etl": (python(RESULT, "{run_directory}", "{target}"), table)},
        trigger_svc=trigger_svc.target,
        credential=CREDENTIAL,
    )
    trigger, token = await trigger_svc.trigger(task={"command": "etl", "slots": {"target": "prod"}})
    await trigger_svc.receive(call(token, b"one", "text/plain"), call(token, b"two", "text/plain"))
    await kubernetes.api.until(lambda: bool(kubernetes.kubelet.pods))
    [job] = kubernetes.kubelet.pods
    run_id = int(job.split("-")[1])
    [completed] = await trigger_svc.delivery.wait_for(f"run-{run_id}-job.run.completed")
    assert trigger_svc.delivery.types_of(run_id) == ["job.run.started", "job.run.completed"]
    assert completed.job_run.run_status == event_pb2.RUN_STATUS_SUCCESS
    assert completed.job_run.job_id == trigger.task_id
    answer = await trigger_svc.triggers.GetRun(pb.GetRunRequest(account_id=ACCOUNT, run_id=run_id), metadata=METADATA)
    assert (answer.run.message, answer.run.exit_code, list(answer.run.artifact_names)) == (
        "2 calls for prod",
        0,
        ["sum.json"],
    )
    assert answer.run.log_bytes == len("2 calls for prod\n")
    await kubernetes.gone()


async def test_a_run_token_reads_its_payload_and_nothing_else(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger()
    await trigger_svc.receive(call(token, b"1"), call(token, b"2"), call(token, b"3"), call(token, b"4"))
    async with trigger_svc.runner() as runner:
        lease = await runner.take()
        order = await trigger_svc.start(lease)
        assert order.run_token.startswith(PREFIX)
        metadata = (("authorization", f"Bearer {order.run_token}"),)
        payload = await _payload(trigger_svc, lease, metadata)
        assert payload == await trigger_svc.payload(lease)
        start, finish = run_pb.StartRunRequest(lease=lease), run_pb.FinishRunRequest(lease=lease, exit_code=0)
        for asked in (
            trigger_svc.runs.StartRun(start, metadata=metadata),
            trigger_svc.runs.FinishRun(finish, metadata=metadata),
        ):
            assert await _refused(asked) is grpc.StatusCode.UNAUTHENTICATED
        other = type(lease)(run_id=lease.run_id, lease_id=lease.lease_id + 1)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _payload(trigger_svc, other, metadata)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        await trigger_svc.finish(lease)
        with pytest.raises(grpc.aio.AioRpcError) as over:
            await _payload(trigger_svc, lease, metadata)
        assert over.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def _payload(trigger_svc: Service, lease: Any, metadata: Any) -> bytes:
    request = run_pb.GetRunPayloadRequest(lease=lease)
    return b"".join([part.chunk async for part in trigger_svc.runs.GetRunPayload(request, metadata=metadata)])


async def _refused(asked: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asked
    code: grpc.StatusCode = refused.value.code()
    return code
