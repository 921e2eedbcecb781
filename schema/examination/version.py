"""The schema's version against the newest migration of this release."""

from collections.abc import Sequence

from chassis.migrations import READ_HISTORY, Migration, MigrationError, NewerDatabase, pending
from schema.examination.finding import Check, Facts, Finding, bad, ok, warn


def judge_version(facts: Facts, migrations: Sequence[Migration]) -> Finding:
    """An older database is bad; a newer one is what an upgrade in steps looks like."""
    history = [(fact["version"], fact["name"], fact["checksum"]) for fact in facts]
    try:
        missing = pending(migrations, history)
    except NewerDatabase:
        found = f"the database is at version {history[-1][0]}, this release knows {len(migrations)}"
        return warn(found, "finish the upgrade: run the release that migrated it everywhere")
    except MigrationError as error:
        return bad(str(error), "compare the release with the one that migrated this database")
    if missing:
        names = ", ".join(one.file_name for one in missing)
        return bad(f"the database is at version {len(history)}, {names} did not run", "run: runhook migrate")
    return ok(f"version {len(history)}, the newest of this release")


def checks(migrations: Sequence[Migration]) -> tuple[Check, ...]:
    """The check against these migrations."""
    return (Check(name="schema", statement=READ_HISTORY, judge=lambda facts: judge_version(facts, migrations)),)
