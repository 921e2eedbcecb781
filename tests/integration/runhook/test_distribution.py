"""The client as others get it: built, installed into an environment with its own dependencies and nothing else, and run."""

import asyncio
import importlib.util
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.postgres import Database
from tests.support.require import missing
from tests.support.subscription import ACCOUNT, TOKEN, subscription_service

ROOT = Path(__file__).parents[3]
SERVERS = (
    "chassis",
    "subscription_svc",
    "delivery_svc",
    "gateway",
    "runner",
    "cli",
    "asyncpg",
    "structlog",
    "pydantic",
)
PROGRAM = """
import asyncio, importlib.util, sys
absent = [name for name in sys.argv[3].split(",") if importlib.util.find_spec(name) is None]
assert len(absent) == len(sys.argv[3].split(",")), absent

import runhook.verify
assert "grpc" not in sys.modules
from runhook import Client, RunhookError, errors, job_run_event, messages

async def main():
    account = int(sys.argv[2])
    async with Client(sys.argv[1], token=sys.argv[4]) as client:
        made = await client.subscriptions.create(
            account, name="from a wheel", client_url="https://example.com/", event_types=["job.run.completed"]
        )
        print(len(made.signing_secret), [one.name async for one in client.subscriptions.list(account)])
        try:
            await client.subscriptions.get(account, "wsu_" + "0" * 27)
        except errors.NotFound as error:
            print(error.code, bool(error.reason))

asyncio.run(main())
"""


def run(*command: str | Path) -> str:
    """What a command prints; it must succeed."""
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    if importlib.util.find_spec("pip") is None:
        missing("pip in the environment of the tests")
    folder = tmp_path_factory.mktemp("wheel")
    # Without hatchling here, pip fetches it for the build.
    how = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", *how, "--wheel-dir", str(folder), str(ROOT / "clients" / "python"))
    (built,) = folder.glob("runhook-*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel and what it says it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False, symlinks=True)
    made = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", made)
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel)
    (site,) = folder.glob("lib/python*/site-packages")
    (own,) = metadata.distributions(path=[str(site)])
    for distribution in needs(own):
        for name in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            if not (site / name).exists():
                (site / name).symlink_to(Path(str(distribution.locate_file(name))))
    assert "No broken requirements" in run(*pip, "check")
    return made


def needs(distribution: metadata.Distribution) -> Iterator[metadata.Distribution]:
    """What it requires, and what that requires, as it is installed here."""
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found = metadata.distribution(requirement.name)
            yield found
            yield from needs(found)


async def test_the_wheel_alone_speaks_with_a_service(python: Path, database: Database) -> None:
    async with subscription_service(database) as service:
        arguments = (service.target, str(ACCOUNT), ",".join(SERVERS), TOKEN)
        said = await asyncio.to_thread(run, python, "-W", "error", "-I", "-c", PROGRAM, *arguments)
    assert said.splitlines() == ["40 ['from a wheel']", "NOT_FOUND True"]


def test_the_wheel_is_typed_and_carries_its_licence(wheel: Path) -> None:
    files = run(sys.executable, "-m", "zipfile", "--list", wheel)
    assert "runhook/py.typed" in files
    assert "runhook/delivery/v1/event_pb2.pyi" in files
    assert "licenses/LICENSE" in files
    assert "chassis" not in files
