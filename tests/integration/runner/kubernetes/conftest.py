"""A real runner process, a real RunService, a cluster that is played over real sockets with pods that really run."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.kube_api import Document, KubeApi, rights_of
from tests.support.kube_server import serving_kubernetes
from tests.support.kubelet import OUR_IMAGE, Kubelet
from tests.support.manifests import DEPLOY
from tests.support.run_service import MemoryRunService

ROOT = Path(__file__).parents[4]
CREDENTIAL = "c" * 40
IMAGE = "registry.example.com/etl:1"
StartRunner = Callable[..., Awaitable[asyncio.subprocess.Process]]


@dataclass(kw_only=True)
class Cluster:
    """The API server, the kubelet behind it, and the kubeconfig that leads there."""

    api: KubeApi
    kubelet: Kubelet
    kubeconfig: Path

    async def gone(self) -> None:
        """Waits until no Job, no pod and no Secret is left."""
        await self.api.until(lambda: not any(self.api.objects.values()))


def template(*command: str, container: Document | None = None, **pod: Any) -> Document:
    """A Job template whose command is this."""
    made = {"name": "etl", "image": IMAGE, "command": list(command), **(container or {})}
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"spec": {"containers": [made], **pod}}}}


def python(code: str, *arguments: str, **words: Any) -> Document:
    """A template that runs Python code."""
    escaped = code.replace("{", "{{").replace("}", "}}")
    return template(sys.executable, "-I", "-S", "-c", escaped, *arguments, **words)


@pytest.fixture
async def kubernetes(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster in which a runner has the rights of the Role that deploy/ has, and no others."""
    role = next(yaml.safe_load_all((DEPLOY / "components/kubernetes-jobs/role.yaml").read_text()))
    api = KubeApi(rights_of(role))
    kubelet = Kubelet(api, tmp_path / "pods")
    async with serving_kubernetes(api, tmp_path) as kubeconfig:
        working = asyncio.create_task(kubelet.work())
        yield Cluster(api=api, kubelet=kubelet, kubeconfig=kubeconfig)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


@pytest.fixture
async def service() -> AsyncIterator[MemoryRunService]:
    """A RunService in memory that already listens."""
    made = MemoryRunService()
    await made.serve()
    yield made
    await made.stop()


@pytest.fixture
async def start_runner(kubernetes: Cluster, service: MemoryRunService, tmp_path: Path) -> AsyncIterator[StartRunner]:
    """Starts `python -m runner` with these jobs: name to (template, further keys of its table)."""
    started: list[asyncio.subprocess.Process] = []

    async def start(jobs: dict[str, tuple[Document, Document]], **settings: object) -> asyncio.subprocess.Process:
        target = settings.pop("trigger_svc", service.target)
        (tmp_path / "credential").write_text(str(settings.pop("credential", CREDENTIAL)))
        tables = {}
        for name, (document, table) in jobs.items():
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(document))
            tables[name] = {"template": f"{name}.yaml", **table}
        (tmp_path / "commands.json").write_text(json.dumps({"jobs": tables}))
        environment: dict[str, str] = {
            **os.environ,
            "KUBECONFIG": str(settings.pop("kubeconfig", kubernetes.kubeconfig)),
            "RUNHOOK_TRIGGER_SVC": str(target),
            "RUNHOOK_SERVICE_CREDENTIAL_FILE": str(tmp_path / "credential"),
            "RUNHOOK_METRICS_ADDRESS": "127.0.0.1:0",
            "RUNHOOK_POD_NAME": "runner-0",
            "RUNHOOK_RUNNER_COMMANDS_FILE": str(tmp_path / "commands.json"),
            "RUNHOOK_RUNNER_WORK_DIRECTORY": str(tmp_path / "work"),
            "RUNHOOK_RUNNER_KILL_SECONDS": "1",
            "RUNHOOK_RUNNER_JOB_IMAGE": OUR_IMAGE,
            **{f"RUNHOOK_{name.upper()}": str(value) for name, value in settings.items()},
        }
        runner = await asyncio.create_subprocess_exec(sys.executable, "-m", "runner", cwd=ROOT, env=environment)
        started.append(runner)
        return runner

    yield start
    for runner in started:
        if runner.returncode is None:
            runner.kill()
        await runner.wait()
