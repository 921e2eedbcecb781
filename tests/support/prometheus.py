"""A real Prometheus that watches a test's processes.

Invariant: what it scrapes has the labels that deploy/observability/README.md asks for.
"""

import asyncio
import math
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.support.require import missing
from tests.support.service_process import free_port

NAMESPACE = "runhook"
EVERY = "1s"


class Prometheus:
    """A running one."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def has_data(self, expression: str) -> bool:
        """Whether the answer now has a number in it; an expression that cannot be answered is an AssertionError."""
        found = await self._ask("query", query=expression)
        return any(not math.isnan(float(one["value"][1])) for one in found["result"])

    async def rules(self) -> list[dict[str, Any]]:
        """Every rule, with its health and its last error."""
        return [rule for group in (await self._ask("rules"))["groups"] for rule in group["rules"]]

    async def _ask(self, what: str, **parameters: str) -> Any:
        async with self._session.get(f"{self._url}/api/v1/{what}", params=parameters) as answer:
            said = await answer.json()
        assert said["status"] == "success", (parameters, said)
        return said["data"]


@asynccontextmanager
async def prometheus(directory: Path, targets: Mapping[str, str], rules: Path) -> AsyncIterator[Prometheus]:
    """Scrapes the targets (job to host:port) and evaluates the rules of that file, both every second."""
    program = shutil.which("prometheus")
    if program is None:
        missing("prometheus")
    address = f"127.0.0.1:{free_port()}"
    words = [f"--config.file={_configure(directory, targets, rules)}", f"--web.listen-address={address}"]
    with (directory / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, *words, f"--storage.tsdb.path={directory / 'data'}", stdout=log, stderr=log
        )
    try:
        async with aiohttp.ClientSession() as session:
            await _ready(process, f"http://{address}/-/ready", session, directory / "log")
            yield Prometheus(f"http://{address}", session)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _configure(directory: Path, targets: Mapping[str, str], rules: Path) -> Path:
    groups = yaml.safe_load(rules.read_text())["groups"]
    often = directory / "rules.yaml"
    often.write_text(yaml.safe_dump({"groups": [{**group, "interval": EVERY} for group in groups]}))
    configuration = {
        "global": {"scrape_interval": EVERY, "scrape_timeout": EVERY},
        "rule_files": [str(often)],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [address], "labels": {"namespace": NAMESPACE}}]}
            for job, address in targets.items()
        ],
    }
    (directory / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    return directory / "prometheus.yaml"


async def _ready(process: asyncio.subprocess.Process, url: str, session: aiohttp.ClientSession, log: Path) -> None:
    async with asyncio.timeout(30):
        while True:
            assert process.returncode is None, log.read_text()
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass  # it does not listen yet
            await asyncio.sleep(0.05)
