"""Where Postgres is looked for."""

from pathlib import Path

import pytest

from standalone.binaries import Binaries, candidates, find
from standalone.trouble import Trouble


def fake(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_wheel_of_the_embedded_extra_is_found() -> None:
    """Its private folders may move with any release: then this fails first."""
    best = next(candidates())
    assert best.package is not None
    assert (Path(best.program("postgres")).is_file(), best.major) == (True, 18)


def test_pg_bin_goes_before_everything(tmp_path: Path) -> None:
    chosen = fake(tmp_path / "bin", "17.2 (Debian)")
    assert find({"PG_BIN": str(chosen)}) == Binaries(folder=chosen)


@pytest.mark.parametrize("version", ["14.9", None])
def test_a_pg_bin_without_a_usable_postgres_is_refused(tmp_path: Path, version: str | None) -> None:
    folder = fake(tmp_path / "bin", version) if version else tmp_path
    with pytest.raises(Trouble, match="holds no initdb and postgres of version 15 or later"):
        find({"PG_BIN": str(folder)})


def test_programs_that_do_not_run_are_named(tmp_path: Path) -> None:
    folder = fake(tmp_path / "bin", "18.4")
    (folder / "postgres").write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    with pytest.raises(Trouble, match=r"bin/postgres does not run: broken"):
        find({"PG_BIN": str(folder)})
