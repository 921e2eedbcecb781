"""What every test stands on: an environment without RUNHOOK_ settings, and a database of its own for those who ask."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from standalone import binaries
from standalone.postgres import Postgres
from tests.support import require  # noqa: F401 - reads RUNHOOK_REQUIRE before it goes
from tests.support.postgres import Cluster, Database, running_server
from tests.support.scratch import write_to_memory

# At import, before any module reads it; tests.support.require has taken what it needs.
for name in [name for name in os.environ if name.startswith("RUNHOOK_")]:
    del os.environ[name]

# Where compiled files are forbidden, each of the hundreds of processes that tests start compiles our packages anew: half of
# what its start costs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell's background job ignores Ctrl-C, and so would every process that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

write_to_memory()

# By itself structlog draws a traceback with all that stands in its frames, which takes a second of a processor each time.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: for half of its time a test waits, for processes, leases and deadlines."""
    return (os.cpu_count() or 1) * 3 // 2


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """The session's Postgres; each xdist worker has its own."""
    with running_server(binaries.find(os.environ)) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(postgres_server: Postgres) -> Cluster:
    """The session's Postgres with its migrated template."""
    made = Cluster(postgres_server)
    asyncio.run(made.make_template())
    return made


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    """A fresh, migrated database."""
    made = await cluster.create()
    yield made
    await cluster.drop(made)


@pytest.fixture
async def empty_database(cluster: Cluster) -> AsyncIterator[Database]:
    """A database without any migration."""
    made = await cluster.create(migrated=False)
    yield made
    await cluster.drop(made)
