"""The golden sum of all migrations: what pg_dump says of a migrated database. `make schema` writes, a test compares it.

Invariant: two dumps of the same schema are the same text, whichever minor version or day made them.
"""

import asyncio
import os
import re
import subprocess
import sys

from schema import FOLDER
from standalone import binaries
from standalone.binaries import Binaries
from tests.support.postgres import Cluster, running_server

GOLDEN = FOLDER / "schema.sql"
MAJOR = 18
_TITLE = f"-- What all migrations make, as pg_dump {MAJOR} says it. Written by `make schema`; never edited.\n\n"
# Days differ from day to day: partitions are left out. So are versions, the dump's session settings and its fences.
_DAYS = "--exclude-table=*.*_p" + "[0-9]" * 8
_NOISE = re.compile(
    r"(--( Dumped.*| PostgreSQL database dump.*)?|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict.*)"
)


def dump(chosen: Binaries, url: str) -> str:
    """The schema of the database at `url`, normalised."""
    program = [chosen.program("pg_dump"), "--schema-only", "--no-owner", _DAYS, url]
    said = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    kept = "\n".join(line for line in said.splitlines() if not _NOISE.fullmatch(line))
    return _TITLE + re.sub(r"\n{3,}", "\n\n", kept).strip() + "\n"


def main() -> int:
    """Write the golden file."""
    chosen = binaries.find(os.environ)
    if chosen.major != MAJOR:
        print(f"schema.sql is written with pg_dump {MAJOR}, and this is {chosen.major}: unset PG_BIN", file=sys.stderr)
        return 1
    with running_server(chosen) as server:
        cluster = Cluster(server)
        asyncio.run(cluster.make_template())
        GOLDEN.write_text(dump(chosen, asyncio.run(cluster.create()).owner_url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
