"""The inbound half as faults meet it: Postgres, two pods each of trigger_svc, gateway and runner, and triggers of all sorts.

A gateway has one pod of trigger_svc, and so has a runner: what dies takes a way in with it, and callers go another.
delivery_svc is not there: what runs announce stays in the outbox.
"""

import asyncio
import base64
import hashlib
import json
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from chassis.keyring import KeyRing
from schema.roles import ROLES, prepare_roles
from schema.upgrade import upgrade
from standalone.ports import free_ports
from tests.chaos.members import Database, Member
from tests.chaos.plan import GATEWAYS, RUNNERS, TRIGGER_PODS

NAME = "runhook"
ACCOUNT = 4711
API_KEY = "the-key-that-callers-of-the-chaos-run-have"
COMMAND = "chaos-copy"
WINDOW_SECONDS = 2
LEASE_SECONDS = 5
_KEY = bytes(range(32))
_CREDENTIAL = "the-service-credential-of-the-chaos-run-0123456789"
_PASSWORD = "of-the-chaos-run"
# A run leaves its payload behind, whole or not at all, under a name that tells them all apart.
_COPY = """
name="$1/$RUNHOOK_EXECUTION_ID.$RUNHOOK_RUN_ID.$$"
cp "$RUNHOOK_PAYLOAD_FILE" "$name.part" && mv "$name.part" "$name"
"""
_INSERT_TASK = """
insert into trigger.task (account_id, name, kind, command, slots, parameters, timeout_seconds, allow_parallel_runs,
                          max_attempts, environment_id, environment_name, project_id, project_name, dbt_version, queue_limit,
                          queue_mode)
values ($1, 'chaos', 'standard', $2, '{}', '[{"name": "resource_webhook_payload", "default_value": ""}]', 3600, $3, $4, 1,
        '', 1, '', '', $5, $6) returning task_id
"""
_INSERT_TARGET = "insert into trigger.target (target, sort) values ('task:' || $1::bigint, 'webhook')"
_INSERT_TRIGGER = """
insert into trigger.trigger (public_id, account_id, task_id, name, data_mode, verification)
values ($1, $2, $3, 'chaos', 'string', $4) returning trigger_id
"""
_INSERT_HEAD = """
insert into trigger.head (trigger_id, account_id, threshold, duration_seconds, max_bytes) values ($1, $2, $3, $4, 8388608)
"""
_INSERT_TOKEN = "insert into trigger.token (token_hash, trigger_id, sealed) values ($1, $2, '')"
_INSERT_SECRET = "insert into trigger.verification_secret (trigger_id, place, sealed) values ($1, 1, $2)"
_VERIFICATION = '{"preset": "VERIFICATION_PRESET_API_KEY"}'


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A trigger: its id, the end of its URL, whether its calls have a key and are known again."""

    trigger_id: int
    token: str
    known_again: bool


@dataclass(frozen=True, kw_only=True)
class InboundHouse:
    """What runs: `doors` are the gateways' addresses, `arrivals` the folder in which runs leave what they got."""

    members: Mapping[str, Member]
    database: Database
    doors: tuple[str, ...]
    hooks: tuple[Hook, ...]
    arrivals: Path

    @property
    def url(self) -> str:
        """The database, for its owner."""
        return self.database.server.url(NAME)

    async def admin(self, statement: str) -> None:
        """Run a statement as the owner, from another database. Errors of asyncpg."""
        connection = await asyncpg.connect(self.database.server.url("postgres"), timeout=10)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def upgrade(self) -> None:
        """No plan of this house asks for it."""
        raise NotImplementedError


@asynccontextmanager
async def running(directory: Path, log_level: str) -> AsyncIterator[InboundHouse]:
    """The house, ready."""
    os.chmod(directory, 0o755)  # Postgres may run as another user
    async with AsyncExitStack() as stack:
        database = Database(directory)
        stack.push_async_callback(database.end)
        await database.start()
        admin = await asyncpg.connect(database.server.url("postgres"))
        await admin.execute(f"create database {NAME}")
        await admin.close()
        await upgrade(database.server.url(NAME))
        await prepare_roles(database.server.url(NAME), dict.fromkeys(ROLES, _PASSWORD))
        hooks = await _make_hooks(database.server.url(NAME))
        addresses = [f"127.0.0.1:{port}" for port in free_ports(10)]
        arrivals = directory / "arrivals"
        arrivals.mkdir()
        members = _members(directory, database, addresses, arrivals, log_level)
        for member in members.values():
            stack.push_async_callback(member.end)
        await asyncio.gather(*(member.start() for member in members.values()))
        doors = tuple(addresses[2:4])
        yield InboundHouse(members=members, database=database, doors=doors, hooks=hooks, arrivals=arrivals)


async def _make_hooks(url: str) -> tuple[Hook, ...]:
    """Twelve triggers: small and large thresholds, in turn and in parallel, every way to treat a full queue."""
    ring = KeyRing({"k1": _KEY})
    made = []
    connection = await asyncpg.connect(url)
    try:
        for number in range(12):
            known_again, mode = number % 3 == 0, ("fail", "hold", "reject")[number // 4]
            parallel, attempts, limit = number % 2 == 0, 1 + number % 2, 50 if mode == "fail" else 5
            task_id = await connection.fetchval(_INSERT_TASK, ACCOUNT, COMMAND, parallel, attempts, limit, mode)
            await connection.execute(_INSERT_TARGET, task_id)
            agreed = _VERIFICATION if known_again else None
            trigger_id = await connection.fetchval(_INSERT_TRIGGER, f"trg_{number:027}", ACCOUNT, task_id, agreed)
            await connection.execute(_INSERT_HEAD, trigger_id, ACCOUNT, (5, 20, 1000)[number % 3], WINDOW_SECONDS)
            token = secrets.token_urlsafe(32)
            await connection.execute(_INSERT_TOKEN, hashlib.sha256(token.encode()).digest(), trigger_id)
            if known_again:
                await connection.execute(
                    _INSERT_SECRET, trigger_id, ring.seal(API_KEY.encode(), f"verification:{trigger_id}")
                )
            made.append(Hook(trigger_id=trigger_id, token=token, known_again=known_again))
    finally:
        await connection.close()
    return tuple(made)


def _members(
    directory: Path, database: Database, addresses: list[str], arrivals: Path, log_level: str
) -> dict[str, Member]:
    shared = _shared(directory)
    script, commands = directory / "copy.sh", directory / "commands.json"
    script.write_text(_COPY)
    command = {"argv": ["sh", str(script), str(arrivals)], "inherit": ["PATH"]}
    commands.write_text(json.dumps({"commands": {COMMAND: command}}))
    made = {}
    for number, name in enumerate((*TRIGGER_PODS, *GATEWAYS, *RUNNERS)):
        health = addresses[4 + number]
        told = {"POD_NAME": name, "LOG_LEVEL": log_level, "METRICS_ADDRESS": health, **shared}
        if name in TRIGGER_PODS:
            told |= {"GRPC_ADDRESS": addresses[number], "KEY_RING_FILE": str(_key_ring(directory))}
            told["DATABASE_URL"] = database.server.url(NAME, role="runhook_trigger", password=_PASSWORD)
            told |= {"TRIGGER_LEASE_SECONDS": str(LEASE_SECONDS), "TRIGGER_ARTIFACT_SECONDS": "1"}
        elif name in GATEWAYS:
            told |= {
                "TRIGGER_SVC": addresses[number % 2],
                "GATEWAY_ADDRESS": addresses[number],
                "GATEWAY_CONNECTIONS_PER_ADDRESS": "4096",
            }
        else:
            work = directory / name
            work.mkdir()
            told |= {"RUNNER_COMMANDS_FILE": str(commands), "RUNNER_WORK_DIRECTORY": str(work)}
            told |= {"TRIGGER_SVC": addresses[number % 2], "RUNNER_HEARTBEAT_SECONDS": "1", "RUNNER_SLOTS": "8"}
        service = {"trigger": "trigger_svc"}.get(name.partition("-")[0], name.partition("-")[0])
        environment = {f"RUNHOOK_{key}": value for key, value in told.items()}
        made[name] = Member(name, [service], environment, health, directory / f"{name}.log")
    return made


def _shared(directory: Path) -> dict[str, str]:
    credential = directory / "credential"
    credential.write_text(_CREDENTIAL)
    return {"SERVICE_CREDENTIAL_FILE": str(credential), "GRACE_SECONDS": "5"}


def _key_ring(directory: Path) -> Path:
    ring = directory / "ring"
    ring.write_text("k1:" + base64.b64encode(_KEY).decode())
    return ring
