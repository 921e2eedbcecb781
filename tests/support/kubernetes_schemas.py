"""What Kubernetes and the kinds of operators allow, field by field. Invariant: a kind without a schema is an error, no pass."""

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

from tests.support.manifests import Document

OLDEST, NEWEST = "1.30.0", "1.37.0"
#: Schemas of kinds that operators bring; README.md beside them says where they are from.
VENDORED = Path(__file__).parents[1] / "manifests" / "crds"


def errors(document: Document, version: str) -> list[str]:
    """Every field of a document that a Kubernetes of that version, or the kind's operator, would refuse or does not know."""
    validator = jsonschema.Draft202012Validator(_schema(document, version), registry=_definitions(version))
    where = f"{document['kind']} {document['metadata']['name']}"
    return [f"{where}: {error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def _schema(document: Document, version: str) -> Any:
    group, _, api = document["apiVersion"].rpartition("/")
    name = "-".join(part for part in (document["kind"].lower(), group.partition(".")[0], api) if part)
    vendored = VENDORED / f"{name}.json"
    return json.loads(vendored.read_text()) if vendored.exists() else _built_in(version, name)


@cache
def _built_in(version: str, name: str) -> Any:
    """One of kubernetes-validate's files. Its own `validate` tells the first error alone, so only its files are used."""
    folder = resources.files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}-local-strict"
    return json.loads((folder / f"{name}.json").read_text())


@cache
def _definitions(version: str) -> Registry[Any]:
    """What the schemas of a version refer to."""
    return Resource.from_contents(_built_in(version, "_definitions")) @ Registry()
