"""Which migrations run, and what is refused before anything runs."""

from pathlib import Path

import pytest

from chassis.migrations import ChangedMigration, Migration, MigrationGap, NewerDatabase, pending, read_migrations

FIRST = Migration(version=1, name="first", sql="SELECT 1;")
SECOND = Migration(version=2, name="second", sql="SELECT 2;")


def ran(*migrations: Migration) -> list[tuple[int, str, str]]:
    return [(migration.version, migration.name, migration.checksum) for migration in migrations]


def test_only_what_never_ran_is_pending() -> None:
    assert pending([FIRST, SECOND], []) == [FIRST, SECOND]
    assert pending([FIRST, SECOND], ran(FIRST)) == [SECOND]
    assert pending([FIRST, SECOND], ran(FIRST, SECOND)) == []


def test_a_file_that_changed_after_it_ran_is_refused() -> None:
    changed = Migration(version=1, name="first", sql="SELECT 1; -- now with a remark")
    with pytest.raises(ChangedMigration, match=r"0001_first\.sql differs from what ran here"):
        pending([changed], ran(FIRST))


def test_a_newer_database_is_refused_with_both_versions() -> None:
    with pytest.raises(NewerDatabase, match="the database is at version 2 and this release knows 1"):
        pending([FIRST], ran(FIRST, SECOND))


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["0002_late.sql"], r"0002_late\.sql should be number 0001"),
        (["0001_one.sql", "0003_three.sql"], r"0003_three\.sql should be number 0002"),
        (["0001_one.sql", "0001_other.sql"], r"0001_other\.sql should be number 0002"),
        (["1_one.sql"], "no migration's name"),
    ],
)
def test_a_gap_or_a_double_number_is_refused(tmp_path: Path, names: list[str], complaint: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(MigrationGap, match=complaint):
        read_migrations(tmp_path)


def test_files_are_read_in_order_and_only_the_marker_takes_one_out_of_a_transaction(tmp_path: Path) -> None:
    (tmp_path / "0002_index.sql").write_text("-- no-transaction\nCREATE INDEX CONCURRENTLY ...;")
    (tmp_path / "0001_table.sql").write_text("CREATE TABLE ...;")
    table, index = read_migrations(tmp_path)
    assert (table.file_name, table.in_transaction) == ("0001_table.sql", True)
    assert (index.file_name, index.in_transaction) == ("0002_index.sql", False)
