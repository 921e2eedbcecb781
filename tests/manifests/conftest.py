"""What is judged: base with made-up secrets, and install.yaml as committed."""

import subprocess

import pytest

from tests.support.manifests import DEPLOY, Manifests, kustomize, parse


@pytest.fixture(scope="session")
def install() -> Manifests:
    """The committed dev overlay: complete, with Postgres and secrets."""
    return parse((DEPLOY / "install.yaml").read_text())


@pytest.fixture(scope="session")
def base() -> Manifests:
    """deploy/base beside the Secrets that deploy/make-secrets.sh prints."""
    program = [str(DEPLOY / "make-secrets.sh"), "postgresql://owner:secret@postgres.example.com:5432/runhook"]
    made = subprocess.run(program, capture_output=True, text=True, check=True)
    return Manifests([*kustomize("base").documents, *parse(made.stdout).documents])


@pytest.fixture(params=["install", "base"])
def manifests(request: pytest.FixtureRequest) -> Manifests:
    """Either of them."""
    found: Manifests = request.getfixturevalue(request.param)
    return found
