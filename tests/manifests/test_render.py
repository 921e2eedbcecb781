"""deploy/ renders, is what is committed, and is what Kubernetes' own schemas allow, field by field."""

import shutil
import subprocess
import tomllib

import pytest

from tests.support.kubernetes_schemas import NEWEST, OLDEST, errors
from tests.support.manifests import DEPLOY, Manifests
from tests.support.require import missing

VERSIONS = pytest.mark.parametrize("version", [OLDEST, NEWEST])


def test_install_yaml_is_the_rendered_dev_overlay() -> None:
    if shutil.which("kubectl") is None:
        missing("kubectl")
    rendered = subprocess.run([DEPLOY / "render.sh"], capture_output=True, text=True, check=True).stdout
    assert rendered == (DEPLOY / "install.yaml").read_text(), "make render"


@VERSIONS
def test_every_field_is_one_that_kubernetes_knows(manifests: Manifests, version: str) -> None:
    assert [error for document in manifests.documents for error in errors(document, version)] == []


@VERSIONS
def test_a_field_that_kubernetes_does_not_know_is_found(version: str) -> None:
    pod = {"serviceAcountName": "gateway", "containers": [{"name": "gateway", "imagePullPolicy": 1}]}
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bad"}, "spec": pod}
    assert len(errors(document, version)) == 2


def test_a_field_that_an_operator_does_not_know_is_found() -> None:
    trigger = {"type": "prometheus", "metadat": {}}
    scaled = {"scaleTargetRef": {"name": "delivery-svc"}, "minReplicas": 2, "triggers": [trigger]}
    document = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "bad"}, "spec": scaled}
    assert len(errors(document, NEWEST)) == 3


def test_everything_stands_in_one_namespace_once(manifests: Manifests) -> None:
    names = [(document["kind"], document["metadata"]["name"]) for document in manifests.documents]
    assert len(set(names)) == len(names)
    assert [name for kind, name in names if kind == "Namespace"] == ["runhook"]
    namespaces = {
        document["metadata"].get("namespace") for document in manifests.documents if document["kind"] != "Namespace"
    }
    assert namespaces == {"runhook"}


def test_our_image_has_the_version_of_the_package(manifests: Manifests) -> None:
    version = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]["version"]
    images = {container["image"] for workload in manifests.workloads for container in workload.containers}
    names = {image.rpartition("/")[2] for image in images}
    assert {name for name in names if name.startswith("runhook")} == {f"runhook:{version}"}
    assert f"ARG VERSION={version}\n" in (DEPLOY / "Dockerfile").read_text()
    assert all(":" in image and not image.endswith(":latest") for image in images)
