"""The Postgres versions that migrations must run on: the embedded one and the oldest that is supported."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from standalone.binaries import OLDEST, Binaries
from tests.support.postgres import Cluster, running_server
from tests.support.require import missing

OLDEST_BINARIES = Path(f"/usr/lib/postgresql/{OLDEST}/bin")


@pytest.fixture(scope="session")
def oldest_cluster() -> Iterator[Cluster]:
    """A cluster of the oldest supported version, where Debian's package is installed."""
    if not (OLDEST_BINARIES / "initdb").is_file():
        missing(f"PostgreSQL {OLDEST} in {OLDEST_BINARIES} (apt-get install postgresql-{OLDEST})")
    with running_server(Binaries(folder=OLDEST_BINARIES)) as server:
        cluster = Cluster(server)
        asyncio.run(cluster.make_template())
        yield cluster


@pytest.fixture(params=["embedded", "oldest"])
def any_cluster(request: pytest.FixtureRequest) -> Cluster:
    """Each supported version in turn."""
    name = "cluster" if request.param == "embedded" else "oldest_cluster"
    cluster = request.getfixturevalue(name)
    assert isinstance(cluster, Cluster)
    return cluster
