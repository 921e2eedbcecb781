"""`runhook doctor`: examines a database and says what is wrong and what to do. Invariant: it changes nothing.

It reads as the owner in a read-only session, each statement for a few seconds at most; a check that may not look says so.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import asyncpg

from chassis.migrations import read_migrations
from chassis.pooler import need_session
from schema import MIGRATIONS
from schema.examination import clock, held_back, login_roles, partitions, server, vacuum, version, work
from schema.examination.finding import Check, Finding, Level, bad, warn, worst

CONNECT_SECONDS = 10.0
SESSION = {
    "application_name": "doctor",
    "default_transaction_read_only": "on",
    "statement_timeout": "10s",
    "lock_timeout": "2s",
}
_NOT_THERE = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InvalidSchemaNameError)


def checks() -> tuple[Check, ...]:
    """All but the clock, in the order in which they are told."""
    return (
        *server.CHECKS,
        *version.checks(read_migrations(MIGRATIONS)),
        *login_roles.checks(),
        *partitions.CHECKS,
        *vacuum.CHECKS,
        *held_back.CHECKS,
        *work.CHECKS,
    )


async def examine(dsn: str, chosen: Sequence[Check] | None = None) -> dict[str, Finding]:
    """What each check found, by its name. Connection errors of asyncpg pass through, among them that a pooler leads there."""
    await need_session(dsn)
    connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS, server_settings=SESSION)
    try:
        found = {check.name: await look(connection, check) for check in (checks() if chosen is None else chosen)}
        found["clock"] = await _clock(connection)
        return found
    finally:
        connection.terminate()  # nothing to finish, and a server that hangs is not waited for


async def look(connection: asyncpg.Connection, check: Check) -> Finding:
    """One check. What it may not or cannot read is a finding too; only a lost connection is raised."""
    try:
        return check.judge([dict(row) for row in await connection.fetch(check.statement, *check.arguments)])
    except _NOT_THERE as error:
        return bad(f"could not look: {error}", "run: runhook migrate; is this the platform's database?")
    except asyncpg.InsufficientPrivilegeError as error:
        return warn(f"could not look: {error}", "set RUNHOOK_DATABASE_URL to the owner's URL, or grant that right")
    except (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError) as error:
        return warn(f"could not look: {error}", "the database is busy, or somebody locks the table: see transactions")


def report(found: Mapping[str, Finding]) -> str:
    """A line a check: level, name, what was found, and after an arrow what to do."""
    lines = []
    for name, finding in found.items():
        advice = f" -> {finding.advice}" if finding.advice else ""
        lines.append(f"{finding.level:<5}{name}: {finding.found}{advice}")
    return "\n".join(lines)


def report_json(found: Mapping[str, Finding]) -> str:
    """The same as one document: {"level", "checks": [{"name", "level", "found", "advice"}]}."""
    told = [
        {"name": name, "level": finding.level, "found": finding.found, "advice": finding.advice}
        for name, finding in found.items()
    ]
    return json.dumps({"level": worst(list(found.values())), "checks": told}, indent=2)


def doctor(dsn: str, *, as_json: bool) -> int:
    """Examine, print, and return the exit code: 0 unless something is bad, then 1. Errors of asyncpg pass through."""
    found = asyncio.run(examine(dsn))
    print(report_json(found) if as_json else report(found))
    return int(worst(list(found.values())) is Level.BAD)


async def _clock(connection: asyncpg.Connection) -> Finding:
    await connection.fetchval(clock.READ_CLOCK)  # prepares it, so that the second one is a round trip alone
    asked = datetime.now(UTC)
    told = await connection.fetchval(clock.READ_CLOCK)
    return clock.judge_clock(asked, told, datetime.now(UTC))
