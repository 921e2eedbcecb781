"""`python -m schema migrate`, `rotate-keys`, `doctor`: what an operator runs. RUNHOOK_DATABASE_URL names the owner.

`migrate --or-newer` is content with a database that a newer release has migrated, after all that this one knows: it is for the
init step of a deployment, which must not stand in the way of a roll-back.
"""

import asyncio
import os
import sys
from pathlib import Path

import asyncpg

from chassis import logs
from chassis.keyring import KeyRing
from chassis.migrations import MigrationError, NewerDatabase
from chassis.settings import SettingsError
from schema.doctor import doctor
from schema.rotate_keys import rotate_keys
from schema.upgrade import upgrade

UNUSABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


def main(arguments: list[str]) -> int:
    """The exit code: 0 done, 1 trouble on the way, 2 called wrongly, 5 no database to examine; trouble is lines on stderr."""
    if arguments not in (["migrate"], ["migrate", "--or-newer"], ["rotate-keys"], ["doctor"], ["doctor", "--json"]):
        return fail("usage: python -m schema migrate [--or-newer] | rotate-keys | doctor [--json]", 2)
    url = os.environ.get("RUNHOOK_DATABASE_URL", "")
    if not url.startswith(("postgresql://", "postgres://")):
        return fail("RUNHOOK_DATABASE_URL: set it to the owner's URL, postgresql://owner:password@host/database", 2)
    if arguments[0] == "doctor":
        return examine(url, as_json="--json" in arguments)
    if arguments[0] == "migrate":
        return migrate(url, or_newer="--or-newer" in arguments)
    return reseal(url, os.environ.get("RUNHOOK_KEY_RING_FILE"))


def migrate(url: str, *, or_newer: bool = False) -> int:
    """Bring the database at `url` up to date and print what was applied; `or_newer` leaves one alone that is ahead."""
    logs.configure(level="warning", style="console", process="migrate", pod="")
    try:
        applied = asyncio.run(upgrade(url))
    except MigrationError as error:
        if not (or_newer and isinstance(error, NewerDatabase)):
            return fail(str(error), 1)
        print("a newer release has migrated the database: this one runs on it as it is")
        return 0
    except UNUSABLE as error:
        return fail(f"cannot use the database: {error}", 1)
    for migration in applied:
        print(f"applied {migration.version:04}_{migration.name}")
    print("the database is up to date")
    return 0


def reseal(url: str, key_ring_file: str | None) -> int:
    """Re-encrypt what is sealed in the database at `url` under the first key of the file, and print the sums."""
    try:
        key_ring = KeyRing.from_file(Path(key_ring_file) if key_ring_file else None)
        tallies = asyncio.run(rotate_keys(url, key_ring, lambda line: print(line, flush=True)))
    except SettingsError as error:
        return fail(str(error), 2)
    except KeyboardInterrupt:
        return fail("interrupted: what was re-encrypted stays so, run it again", 130)
    except UNUSABLE as error:
        return fail(f"cannot use the database: {error}: run it again", 1)
    unreadable = sum(tally.unreadable for tally in tallies)
    if unreadable:
        return fail(f"{unreadable:,} values stay as they are: put the keys that they need back and run it again", 1)
    print("everything is sealed under the first key")
    return 0


def examine(url: str, *, as_json: bool) -> int:
    """Say how the database at `url` stands; 1 when something is bad, 5 when it is away."""
    try:
        return doctor(url, as_json=as_json)
    except asyncpg.ClientConfigurationError as error:
        return fail(f"RUNHOOK_DATABASE_URL: {error}", 2)
    except UNUSABLE as error:
        return fail(f"cannot use the database: {str(error) or 'no answer in time'}", 5)


def fail(line: str, code: int) -> int:
    """One line on stderr."""
    print(f"schema: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
