"""`python -m schema migrate`: what a deployment runs before its services. RUNHOOK_DATABASE_URL names the owner."""

import asyncio
import os
import sys

import asyncpg

from chassis import logs
from chassis.migrations import MigrationError
from schema.upgrade import upgrade


def main(arguments: list[str]) -> int:
    """The exit code: 0 up to date, 1 not brought there, 2 called wrongly; trouble is one line on stderr."""
    if arguments != ["migrate"]:
        return fail("usage: python -m schema migrate", 2)
    url = os.environ.get("RUNHOOK_DATABASE_URL", "")
    if not url.startswith(("postgresql://", "postgres://")):
        return fail("RUNHOOK_DATABASE_URL: set it to the owner's URL, postgresql://owner:password@host/database", 2)
    return migrate(url)


def migrate(url: str) -> int:
    """Bring the database at `url` up to date and print what was applied."""
    logs.configure(level="warning", style="console", process="migrate", pod="")
    try:
        applied = asyncio.run(upgrade(url))
    except MigrationError as error:
        return fail(str(error), 1)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        return fail(f"cannot use the database: {error}", 1)
    for migration in applied:
        print(f"applied {migration.version:04}_{migration.name}")
    print("the database is up to date")
    return 0


def fail(line: str, code: int) -> int:
    """One line on stderr."""
    print(f"schema: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
