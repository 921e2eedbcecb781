"""The container that fetches a job's payload, where trigger_svc wants mutual TLS."""

import asyncio
import sys
from pathlib import Path

import trustme

from chassis.identity import Identity
from tests.integration.runner.kubernetes.conftest import ROOT
from tests.support.papers import issue
from tests.support.run_service import MemoryRunService


async def test_a_pod_fetches_its_payload_with_a_certificate_of_its_own(
    service: MemoryRunService, tmp_path: Path
) -> None:
    authority = trustme.CA()
    own = Identity(*issue(authority, tmp_path / "server", "127.0.0.1").values())
    await service.stop()
    await service.serve(own.for_server())
    run_id = await service.add("etl", payload=b"[1]")
    service.take_away(run_id)
    (tmp_path / "token").write_text("token")
    environment = {
        "RUNHOOK_TRIGGER_SVC": service.target,
        "RUNHOOK_RUN_ID": str(run_id),
        "RUNHOOK_LEASE_ID": str(service.runs[run_id].lease_id),
        "RUNHOOK_RUN_TOKEN_FILE": str(tmp_path / "token"),
        "RUNHOOK_PAYLOAD_DIRECTORY": str(tmp_path),
        "RUNHOOK_PASSTHROUGH": "null",
    }
    papers = {f"RUNHOOK_{name}": str(path) for name, path in issue(authority, tmp_path / "job", "runhook-job").items()}
    command = (sys.executable, "-m", "runner.kubernetes.fetch_payload")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment | papers)
    assert await process.wait() == 0
    assert (tmp_path / "payload").read_bytes() == b"[1]"
