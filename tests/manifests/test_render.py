"""deploy/ renders, is what is committed, and is what Kubernetes' own schemas allow, field by field."""

import json
import shutil
import subprocess
import tomllib
from importlib import resources
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from tests.support.manifests import DEPLOY, Document, Manifests
from tests.support.require import missing

OLDEST, NEWEST = "1.30.0", "1.37.0"


def schema_file(version: str, name: str) -> Any:
    """One of kubernetes-validate's files. Its own `validate` tells the first error alone, so only its files are used."""
    folder = resources.files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}-local-strict"
    return json.loads((folder / f"{name}.json").read_text())


@pytest.fixture(scope="module", params=[OLDEST, NEWEST])
def version(request: pytest.FixtureRequest) -> str:
    """The oldest Kubernetes that this runs on, and the newest that is known."""
    return str(request.param)


@pytest.fixture(scope="module")
def definitions(version: str) -> Registry[Any]:
    """What the schemas of a version refer to."""
    return Resource.from_contents(schema_file(version, "_definitions")) @ Registry()


def errors(document: Document, version: str, definitions: Registry[Any]) -> list[str]:
    """Every field of a document that Kubernetes would refuse or does not know."""
    group, _, api = document["apiVersion"].rpartition("/")
    name = "-".join(part for part in (document["kind"].lower(), group.partition(".")[0], api) if part)
    schema = schema_file(version, name)
    validator = jsonschema.Draft202012Validator(schema, registry=Resource.from_contents(schema) @ definitions)
    where = f"{document['kind']} {document['metadata']['name']}"
    return [f"{where}: {error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def test_install_yaml_is_the_rendered_dev_overlay() -> None:
    if shutil.which("kubectl") is None:
        missing("kubectl")
    rendered = subprocess.run([DEPLOY / "render.sh"], capture_output=True, text=True, check=True).stdout
    assert rendered == (DEPLOY / "install.yaml").read_text(), "make render"


def test_every_field_is_one_that_kubernetes_knows(
    manifests: Manifests, version: str, definitions: Registry[Any]
) -> None:
    assert [error for document in manifests.documents for error in errors(document, version, definitions)] == []


def test_a_field_that_kubernetes_does_not_know_is_found(
    install: Manifests, version: str, definitions: Registry[Any]
) -> None:
    pod = {"serviceAcountName": "gateway", "containers": [{"name": "gateway", "imagePullPolicy": 1}]}
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bad"}, "spec": pod}
    assert len(errors(document, version, definitions)) == 2


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
    assert {image for image in images if image.startswith("runhook")} == {f"runhook:{version}"}
    assert f"ARG VERSION={version}\n" in (DEPLOY / "Dockerfile").read_text()
    assert all(":" in image and not image.endswith(":latest") for image in images)
