"""The platform's five processes over a database of the test's own: as `runhook standalone` runs them, told what a test tells.

Invariant: none of them is left when the block ends.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from runhook import Client
from schema.roles import ROLES
from standalone.database import ReadyDatabase
from standalone.home import Home
from standalone.processes import SERVICES, Addresses, choose_addresses, family
from standalone.settings import EXAMPLE_COMMANDS, StandaloneSettings
from standalone.supervisor import Supervisor
from tests.support.postgres import Database


class Deployment(NamedTuple):
    """Running processes: who calls them, the gateway's URL, where each shows its metrics (host:port), their logs."""

    client: Client
    gateway: str
    metrics: Mapping[str, str]
    logs: Path

    def complaints(self) -> list[Any]:
        """What the services log beyond information, each line as it was parsed."""
        texts = [log.read_text() for log in self.logs.glob("*_svc.log")]
        assert all(texts)
        lines = [json.loads(line) for text in texts for line in text.splitlines()]
        return [line for line in lines if line["level"] not in ("debug", "info")]


@asynccontextmanager
async def deployed(database: Database, directory: Path, settings: Mapping[str, str]) -> AsyncIterator[Deployment]:
    """Runs them with these RUNHOOK_ variables; returns when all are ready."""
    home, addresses = Home(directory), choose_addresses(0)
    home.settle_token(None)
    supervisor = Supervisor(family(_told(directory, settings), home, _ready(database), addresses), say=print)
    try:
        await supervisor.start()
        async with _client(addresses, home.first_token.read_text()) as client:
            yield Deployment(client, f"http://{addresses.gateway}", addresses.metrics, home.logs)
    finally:
        await supervisor.stop()
        home.close()


def _told(directory: Path, settings: Mapping[str, str]) -> StandaloneSettings:
    return StandaloneSettings(
        port=0, data_dir=directory, token=None, database_url=None, commands=EXAMPLE_COMMANDS, passed_on=settings
    )


def _ready(database: Database) -> ReadyDatabase:
    urls = (database.subscription_url, database.delivery_url, database.trigger_url)
    return ReadyDatabase(owner_url=database.owner_url, role_urls=dict(zip(ROLES, urls, strict=True)), postgres=None)


def _client(addresses: Addresses, token: str) -> Client:
    subscription_svc, delivery_svc, trigger_svc = (addresses.grpc[name] for name in SERVICES)
    return Client(subscription_svc=subscription_svc, delivery_svc=delivery_svc, trigger_svc=trigger_svc, token=token)
