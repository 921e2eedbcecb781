"""deploy/ as Kubernetes would read it. Invariant: nothing here judges; tests do, over what this finds."""

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.support.require import missing

DEPLOY = Path(__file__).parents[2] / "deploy"
Document = dict[str, Any]


def kustomize(folder: str) -> "Manifests":
    """What `kubectl kustomize` makes of a folder under deploy/; skips where there is no kubectl."""
    if shutil.which("kubectl") is None:
        missing("kubectl")
    return parse(_built(str(DEPLOY / folder)))


@cache
def _built(folder: str) -> str:
    """Several modules ask for the same folders, and each start of kubectl is a good part of a second."""
    return subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=True).stdout


def mixed(overlay: str, *components: str) -> "Manifests":
    """What a folder under deploy/ becomes with components, as in an overlay that has both."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        resource, *others = (
            os.path.relpath(DEPLOY / part, folder) for part in (overlay, *(f"components/{name}" for name in components))
        )
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [resource],
            "components": others,
        }
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return kustomize(str(folder))


def made_secrets(where: str) -> "Manifests":
    """The Secrets that deploy/make-secrets.sh prints: `where` is the owner's URL of a Postgres, or cloudnative-pg."""
    program = [str(DEPLOY / "make-secrets.sh"), where]
    return parse(subprocess.run(program, capture_output=True, text=True, check=True).stdout)


def issued(manifests: "Manifests") -> "Manifests":
    """The Secrets that cert-manager makes of Certificates, without their content."""
    return Manifests(
        [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": one["spec"]["secretName"], "namespace": one["metadata"]["namespace"]},
                "type": "kubernetes.io/tls",
                "stringData": {"tls.crt": "", "tls.key": "", "ca.crt": ""},
            }
            for one in manifests.of("Certificate")
        ]
    )


def parse(text: str) -> "Manifests":
    """The documents of a YAML stream."""
    return Manifests([document for document in yaml.load_all(text, yaml.CSafeLoader) if document])


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A Deployment or StatefulSet. `replicas` is None where an autoscaler owns the number."""

    name: str
    labels: Mapping[str, str]
    replicas: int | None
    selector: Mapping[str, str]
    pod: Document

    @property
    def main(self) -> Document:
        """Its one container that is no init container."""
        (container,) = self.pod["containers"]
        return dict(container)

    @property
    def containers(self) -> list[Document]:
        """All, init containers first."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def module(self) -> str | None:
        """The package that its main container runs, such as delivery_svc; None where it is not ours."""
        command = self.main.get("command", [])
        return str(command[2]) if command[:2] == ["python", "-m"] else None

    def volume(self, name: str) -> Document:
        """A volume of the pod."""
        return next(dict(volume) for volume in self.pod.get("volumes", []) if volume["name"] == name)

    @property
    def ports(self) -> dict[str, int]:
        """Container ports by name."""
        return {port["name"]: port["containerPort"] for port in self.main.get("ports", [])}


class Manifests:
    """Documents that are applied together."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = documents

    def of(self, *kinds: str) -> list[Document]:
        """Those of some kinds."""
        return [document for document in self.documents if document["kind"] in kinds]

    def named(self, kind: str, name: str) -> Document | None:
        """One of them, or None."""
        return next((document for document in self.of(kind) if document["metadata"]["name"] == name), None)

    @cached_property
    def workloads(self) -> list[Workload]:
        """All that makes pods."""
        return [
            Workload(
                name=document["metadata"]["name"],
                labels=document["spec"]["template"]["metadata"]["labels"],
                replicas=document["spec"].get("replicas"),
                selector=document["spec"]["selector"]["matchLabels"],
                pod=document["spec"]["template"]["spec"],
            )
            for document in self.of("Deployment", "StatefulSet")
        ]

    @property
    def ours(self) -> list[Workload]:
        """Those that run a package of this repository."""
        return [workload for workload in self.workloads if workload.module]

    def selected(self, selector: Mapping[str, Any]) -> list[Workload]:
        """The workloads whose pods a label selector finds; an empty one finds all."""
        return [workload for workload in self.workloads if _selects(selector, workload.labels)]

    def content(self, kind: str, name: str) -> dict[str, str]:
        """The keys of a ConfigMap or Secret, decoded. KeyError when there is none of that name."""
        document = self.named(kind, name)
        if document is None:
            raise KeyError(f"{kind} {name}")
        data: dict[str, str] = document.get("data", {})
        if kind == "Secret":
            data = {key: base64.b64decode(text).decode() for key, text in data.items()}
        return {**data, **document.get("stringData", {})}

    def environment(self, container: Document) -> dict[str, str]:
        """The variables that a container starts with; what the pod alone knows is "somewhere"."""
        environment: dict[str, str] = {}
        for source in container.get("envFrom", []):
            environment |= self.content("ConfigMap", source["configMapRef"]["name"])
        for variable in container.get("env", []):
            environment[variable["name"]] = self._value(variable)
        return environment

    def _value(self, variable: Document) -> str:
        source = variable.get("valueFrom", {})
        if "secretKeyRef" in source:
            return self.content("Secret", source["secretKeyRef"]["name"])[source["secretKeyRef"]["key"]]
        return "somewhere" if source else str(variable["value"])

    def files(self, workload: Workload, container: Document) -> Iterator[tuple[str, str]]:
        """Path and content of what is mounted into a container from ConfigMaps and Secrets."""
        for mount in container.get("volumeMounts", []):
            volume: Document = next((one for one in workload.pod["volumes"] if one["name"] == mount["name"]), {})
            if "secret" in volume:
                content = self.content("Secret", volume["secret"]["secretName"])
                for item in volume["secret"]["items"]:
                    yield f"{mount['mountPath']}/{item['path']}", content[item["key"]]
            elif "configMap" in volume:
                for key, text in self.content("ConfigMap", volume["configMap"]["name"]).items():
                    yield f"{mount['mountPath']}/{key}", text


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {})
    expressions = selector.get("matchExpressions", [])
    assert all(expression["operator"] == "In" for expression in expressions), "teach this function the operator"
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )
