"""What the environment tells `runhook standalone`. Invariant: all bad settings are named at once, before any start.

PORT          the gateway's port on 127.0.0.1; 0 takes a free one (8080)
DATA_DIR      where everything lives that must be found again (.runhook)
TOKEN         the first account's account_admin service token (made up on the first start)
DATABASE_URL  the owner's URL of a Postgres to use instead of an embedded one
COMMANDS      the file with the commands that runs may execute (examples/commands.toml)
PG_BIN        the folder of Postgres' programs, if not the wheel's

RUNHOOK_* settings of the processes are passed on to them, except those that follow from the above.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from chassis.settings import PREFIX, ServiceSettings, SettingsError
from standalone.trouble import Trouble

EXAMPLE_COMMANDS = Path(__file__).parent.parent / "examples" / "commands.toml"
OURS = ("PORT", "DATA_DIR", "TOKEN", "DATABASE_URL", "COMMANDS", "PG_BIN")
#: What each process is told by standalone itself, without the prefix.
FIXED = (
    "DATABASE_URL",
    "GRPC_ADDRESS",
    "METRICS_ADDRESS",
    "GATEWAY_ADDRESS",
    "POD_NAME",
    "KEY_RING_FILE",
    "SERVICE_CREDENTIAL_FILE",
    "SUBSCRIPTION_SVC",
    "DELIVERY_SVC",
    "TRIGGER_SVC",
    "SUBSCRIPTION_FIRST_ACCOUNT_ID",
    "SUBSCRIPTION_FIRST_TOKEN_FILE",
    "RUNNER_COMMANDS_FILE",
)
_NO_SETTINGS = frozenset({"RUNHOOK_REQUIRE"})  # said to the test run, not to the product
_TOKEN = re.compile(r"[A-Za-z0-9_.~+/=-]{20,512}")


@dataclass(frozen=True, kw_only=True)
class StandaloneSettings:
    """Checked settings; `passed_on` are the RUNHOOK_* variables for all processes."""

    port: int
    data_dir: Path
    token: str | None
    database_url: str | None
    commands: Path
    passed_on: Mapping[str, str]

    def gateway_url(self, address: str) -> str:
        """Where the gateway is reached at host:port; it speaks TLS when it was given a certificate."""
        scheme = "https" if self.passed_on.get("RUNHOOK_GATEWAY_TLS_CERT") else "http"
        return f"{scheme}://{address}"


def load(environment: Mapping[str, str]) -> StandaloneSettings:
    """Read the environment. Raises Trouble with one line that names every bad variable."""
    passed_on = {
        name: value for name, value in environment.items() if name.startswith(PREFIX) and name not in _NO_SETTINGS
    }
    problems = [*_own_problems(environment), *_problems_of(passed_on)]
    if problems:
        raise Trouble("; ".join(problems))
    return StandaloneSettings(
        port=int(environment.get("PORT") or 8080),
        data_dir=Path(environment.get("DATA_DIR") or ".runhook").absolute(),
        token=environment.get("TOKEN") or None,
        database_url=environment.get("DATABASE_URL") or None,
        commands=Path(environment.get("COMMANDS") or EXAMPLE_COMMANDS).absolute(),
        passed_on=passed_on,
    )


def _own_problems(environment: Mapping[str, str]) -> list[str]:
    problems = []
    port = environment.get("PORT") or "8080"
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        problems.append(f"PORT={port}: set a number from 0 to 65535")
    token = environment.get("TOKEN") or None
    if token is not None and not _TOKEN.fullmatch(token):
        problems.append("TOKEN: set 20 to 512 letters, digits or any of _.~+/=-")
    url = environment.get("DATABASE_URL") or None
    if url is not None and not _is_database_url(url):
        problems.append("DATABASE_URL: set postgresql://owner:password@host:port/database")
    commands = environment.get("COMMANDS") or None
    if commands is not None and not Path(commands).is_file():
        problems.append(f"COMMANDS={commands}: is no file, name one such as examples/commands.toml")
    return problems


def _problems_of(passed_on: Mapping[str, str]) -> list[str]:
    fixed = {PREFIX + name for name in FIXED}
    problems = [f"{name}: standalone sets it itself, unset it" for name in sorted(passed_on.keys() & fixed)]
    checked = {name: value for name, value in passed_on.items() if name not in fixed}
    try:
        # What all share is checked here; what is one process's own, that process checks when it starts.
        ServiceSettings.load({**checked, "RUNHOOK_DATABASE_URL": "postgresql://"})
    except SettingsError as error:
        problems += error.problems
    return problems


def _is_database_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("postgresql", "postgres") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
