"""The coffee shop of examples/dbt: what its carrier calls with, the task that builds it, the rows that a build leaves.

`fct_order_updates` has a row for each call of the window, and fails where a call's amount is no number.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from examples.demo.story import Trouble

ROOT = Path(__file__).parents[2]
COMMANDS = ROOT / "examples" / "commands.toml"
DBT = ROOT / ".venv-dbt" / "bin" / "dbt"
TASK = {
    "name": "Coffee shop (dbt build)",
    "command": "dbt-build",
    "parameters": [{"name": "resource_webhook_payload"}],
    "environment_id": 1,
    "environment_name": "Demo",
    "project_id": 1,
    "project_name": "Coffee shop",
    "dbt_version": "1.11.16",
}
GOOD_CALLS = (
    {"order_id": 1156, "status": "shipped", "at": "2026-10-03T08:12:00Z"},
    {"order_id": 1150, "status": "delivered"},
)
BAD_CALL = {"order_id": 1158, "status": "paid", "amount": "not-a-number"}
_READ = """
import duckdb, json, sys
select = "select call_number, order_id, old_status, new_status from fct_order_updates order by call_number"
print(json.dumps(duckdb.connect(sys.argv[1], read_only=True).sql(select).fetchall()))
"""


def order_updates(warehouse: Path) -> list[list[Any]]:
    """Call, order, status before and status now, as the last good build left them in the warehouse."""
    program = [str(DBT.with_name("python")), "-I", "-c", _READ, str(warehouse)]
    read = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    if read.returncode:
        raise Trouble(f"the warehouse cannot be read: {read.stderr}")
    rows: list[list[Any]] = json.loads(read.stdout)
    return rows
