"""What is judged: base and prod with made-up secrets, and install.yaml as committed."""

import pytest

from tests.support.manifests import DEPLOY, Manifests, kustomize, made_secrets, parse


@pytest.fixture(scope="session")
def install() -> Manifests:
    """The committed dev overlay: complete, with Postgres and secrets."""
    return parse((DEPLOY / "install.yaml").read_text())


@pytest.fixture(scope="session")
def secrets() -> Manifests:
    """What deploy/make-secrets.sh prints for a Postgres of one's own."""
    return made_secrets("postgresql://owner:secret@postgres.example.com:5432/runhook")


@pytest.fixture(scope="session")
def base(secrets: Manifests) -> Manifests:
    """deploy/base beside the Secrets."""
    return Manifests([*kustomize("base").documents, *secrets.documents])


@pytest.fixture(scope="session")
def prod(secrets: Manifests) -> Manifests:
    """The prod overlay beside the Secrets."""
    return Manifests([*kustomize("overlays/prod").documents, *secrets.documents])


@pytest.fixture(params=["install", "base", "prod"])
def manifests(request: pytest.FixtureRequest) -> Manifests:
    """Each of them."""
    found: Manifests = request.getfixturevalue(request.param)
    return found
