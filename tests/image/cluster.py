"""deploy/install.yaml run from the image on this machine: its commands, its variables, its files, over a real Postgres.

What differs is said in `_placed`: loopback addresses and ports instead of Services, the database's URL, a short grace.
"""

import asyncio
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from schema.roles import ROLES, prepare_roles
from standalone import binaries
from standalone.ports import free_ports
from standalone.postgres import Postgres
from tests.image.built import Image, Pod
from tests.support.manifests import DEPLOY, Document, Manifests, Workload, parse
from tests.support.postgres import running_server

_GROUP = 65532
_SERVICES = ("subscription-svc", "delivery-svc", "trigger-svc")
_PASSWORD = "of-this-test"
_READY_SECONDS = 60.0
_LOOPBACK = "127.0.0.0/8"


@dataclass(kw_only=True)
class Cluster:
    """What runs: a pod by workload, and where the gateway, delivery_svc's gRPC and each pod's metrics are."""

    image: Image
    folder: Path
    manifests: Manifests
    addresses: Mapping[str, str]
    metrics: Mapping[str, str]
    token: str
    migrated: str = ""
    pods: dict[str, Pod] = field(default_factory=dict)

    def log(self, name: str) -> str:
        """What a pod has written."""
        return (self.folder / f"{name}.log").read_text()

    def is_ready(self, name: str) -> bool:
        """What its readiness says."""
        try:
            with urllib.request.urlopen(f"http://{self.metrics[name]}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.HTTPError, OSError):
            return False

    def run(self, workload: Workload, container: Document, environment: Mapping[str, str]) -> Pod:
        """Start a container's command as its manifest says, but for these variables."""
        told = {**self.manifests.environment(container), **environment}
        log = self.folder / f"{container['name']}.log"
        with log.open("ab") as written:
            program = container["command"]
            return self.image.start(program, configuration=self._files(workload), environment=told, log=written)

    def _files(self, workload: Workload) -> Path:
        """What is mounted below /etc/runhook, readable by the pod's group alone."""
        made = self.folder / workload.name
        made.mkdir(exist_ok=True)
        for path, text in self.manifests.files(workload, workload.main):
            target = made / Path(path).relative_to("/etc/runhook")
            target.parent.mkdir(exist_ok=True)
            target.write_text(text)
            target.chmod(0o440)
            os.chown(target, 0, _GROUP)
        return made


@contextmanager
def cluster(image: Image, folder: Path) -> Iterator[Cluster]:
    """All of it, ready: the schema first, then the rest at once."""
    folder.chmod(0o711)
    with ExitStack() as stack:
        postgres = stack.enter_context(running_server(binaries.find(os.environ)))
        made = _laid_out(image, folder)
        stack.callback(_end, made)
        _start(made, postgres)
        yield made


def _laid_out(image: Image, folder: Path) -> Cluster:
    manifests = parse((DEPLOY / "install.yaml").read_text())
    names = [workload.name for workload in manifests.ours]
    ports = [f"127.0.0.1:{port}" for port in free_ports(2 * len(names))]
    return Cluster(
        image=image,
        folder=folder,
        manifests=manifests,
        addresses=dict(zip(names, ports[: len(names)], strict=True)),
        metrics=dict(zip(names, ports[len(names) :], strict=True)),
        token=manifests.content("Secret", _secret(manifests, "runhook-secrets"))["first-token"].strip(),
    )


def _start(made: Cluster, postgres: Postgres) -> None:
    owner = postgres.url("postgres")
    for workload in made.manifests.ours:
        for first in workload.pod.get("initContainers", []):
            assert made.run(workload, first, {"RUNHOOK_DATABASE_URL": owner}).wait() == 0, made.log(first["name"])
            made.migrated += made.log(first["name"])
    asyncio.run(prepare_roles(owner, dict.fromkeys(ROLES, _PASSWORD)))
    for workload in made.manifests.ours:
        made.pods[workload.name] = made.run(workload, workload.main, _placed(made, workload, postgres))
    deadline = time.monotonic() + _READY_SECONDS
    for name, pod in made.pods.items():
        while not made.is_ready(name):
            assert not pod.is_over(), f"{name} ended:\n{made.log(name)}"
            assert time.monotonic() < deadline, f"{name} is not ready:\n{made.log(name)}"
            time.sleep(0.1)  # there is no event to await in another process


def _placed(made: Cluster, workload: Workload, postgres: Postgres) -> dict[str, str]:
    """Where a pod is on this machine."""
    told = made.manifests.environment(workload.main)
    here = {"RUNHOOK_METRICS_ADDRESS": made.metrics[workload.name], "RUNHOOK_GRACE_SECONDS": "5"}
    here |= {f"RUNHOOK_{name.upper().replace('-', '_')}": made.addresses[name] for name in _SERVICES}
    if "RUNHOOK_DATABASE_URL" in told:
        role = f"runhook_{workload.name.removesuffix('-svc')}"
        here["RUNHOOK_DATABASE_URL"] = postgres.url("postgres", role=role, password=_PASSWORD)
    for own in ("RUNHOOK_GRPC_ADDRESS", "RUNHOOK_GATEWAY_ADDRESS"):
        here |= {own: made.addresses[workload.name]} if own in told else {}
    if workload.name == "delivery-svc":
        here["RUNHOOK_DELIVERY_ALLOWED_NETWORKS"] = _LOOPBACK
    return here


def _secret(manifests: Manifests, stem: str) -> str:
    """The dev overlay's name of a Secret, which ends in a digest of what is in it."""
    (name,) = [one["metadata"]["name"] for one in manifests.of("Secret") if one["metadata"]["name"].startswith(stem)]
    return str(name)


def _end(made: Cluster) -> None:
    for pod in made.pods.values():
        pod.kill()
