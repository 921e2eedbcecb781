"""deploy/dry-run.sh asks for everything, in a namespace of its own, and says what was refused.

The API server is a shell script that refuses what KEDA would carry out."""

import os
import shutil
import subprocess
from typing import Any, NamedTuple

import pytest
import yaml

from tests.support.manifests import DEPLOY
from tests.support.require import missing

PARTS = [
    path.parent for kind in ("overlays", "components") for path in sorted(DEPLOY.glob(f"{kind}/*/kustomization.yaml"))
]
#: CloudNativePG is not in that cluster.
LEFT_OUT = "cloudnative-pg"
# Draws as kubectl does, and keeps what it would have sent.
SERVER = """#!/bin/sh
case $1 in
kustomize) exec {kubectl} "$@" ;;
api-versions) sed -n 's/^apiVersion: //p' {deploy}/base/*.yaml {deploy}/*/*/*.yaml | grep -v cnpg | sort -u ;;
apply)
    for file; do :; done
    number=$(ls {asked} | wc -l)
    cat "$file" >{asked}/$number
    echo "$@" >>{said}
    ! grep -q '^kind: ScaledObject$' {asked}/$number
    ;;
*) echo "$@" >>{said} ;;
esac
"""


class Asked(NamedTuple):
    """How the script ended, what it printed and told the server, and the documents of each question."""

    code: int
    printed: str
    errors: str
    said: list[str]
    documents: list[list[dict[str, Any]]]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    kubectl, directory = shutil.which("kubectl"), tmp_path_factory.mktemp("server")
    if kubectl is None:
        missing("kubectl")
    kept, said, server = directory / "asked", directory / "said", directory / "kubectl"
    kept.mkdir()
    server.write_text(SERVER.format(kubectl=kubectl, deploy=DEPLOY, asked=kept, said=said))
    server.chmod(0o755)
    environment = {**os.environ, "PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([DEPLOY / "dry-run.sh"], env=environment, capture_output=True, text=True, check=False)
    files = sorted(kept.iterdir(), key=lambda file: int(file.name))
    documents = [list(yaml.safe_load_all(file.read_text())) for file in files]
    return Asked(done.returncode, done.stdout, done.stderr, said.read_text().splitlines(), documents)


def test_every_overlay_and_every_component_that_the_cluster_knows_is_asked_for(asked: Asked) -> None:
    lines = asked.printed.splitlines()
    told = [line for line in lines if line.startswith("== ")]
    assert told == [f"== {'base with ' if 'components' in part.parts else 'overlays/'}{part.name}" for part in PARTS]
    left_out = [lines[number - 1] for number, line in enumerate(lines) if line.startswith("-- left out")]
    assert left_out == [f"== base with {LEFT_OUT}"]
    assert len(asked.documents) == 1 + len(PARTS) - len(left_out)


def test_what_is_refused_is_named_at_the_end(asked: Asked) -> None:
    assert asked.code == 1
    assert asked.errors.splitlines()[-1] == "refused: keda"


def test_it_asks_strictly_in_a_namespace_of_its_own_and_leaves_nothing(asked: Asked) -> None:
    ((made,), *questions) = asked.documents
    name = made["metadata"]["name"]
    assert name.startswith("runhook-dry-run-")
    for document in (document for question in questions for document in question):
        metadata = document["metadata"]
        assert (metadata["name"] if document["kind"] == "Namespace" else metadata["namespace"]) == name
    sent = [line for line in asked.said if line.startswith("apply")]
    assert all("--dry-run=server --validate=strict --warnings-as-errors" in line for line in sent[1:])
    assert asked.said[-1].startswith(f"delete namespace {name} ")
    assert list(DEPLOY.glob(".dry-run*")) == []
