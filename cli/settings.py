"""Which platform a command speaks to, and as whom.

Invariant: a token that was found beside an address goes to that address alone. What `runhook standalone` wrote is taken as
a whole (address, token, account), and only when no token and no other address was named.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import click

from cli.trouble import ExitCode, Trouble

DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_TIMEOUT = 30.0
#: The command's own variables. The platform's processes know none of them, so standalone is not told of them.
VARIABLES = ("RUNHOOK_URL", "RUNHOOK_TOKEN", "RUNHOOK_TOKEN_FILE", "RUNHOOK_ACCOUNT", "RUNHOOK_SIGNING_SECRET")
_TOKEN = re.compile(r"[\x21-\x7e]{1,512}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`account_id` None: the only account that the token sees. `timeout` is seconds for one call with its retries."""

    url: str
    token: str = field(repr=False)
    account_id: int | None = None
    ca_file: Path | None = None
    timeout: float = DEFAULT_TIMEOUT


@dataclass(frozen=True, kw_only=True)
class Named:
    """What options and variables say; None where they say nothing. The token's file goes before its text."""

    url: str | None = None
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    account_id: int | None = None
    ca_file: Path | None = None
    timeout: float = DEFAULT_TIMEOUT


def settle(named: Named, environment: Mapping[str, str] = os.environ) -> Settings:
    """Fill in what was not named. UsageError for what is malformed; Trouble without a token."""
    url = None if named.url is None else checked_url(named.url)
    token = named.token if named.token_file is None else read_secret(named.token_file)
    account_id = named.account_id
    if token is None and (facts := standalone_facts(environment)) and url in (None, facts.url):
        url, token, account_id = facts.url, facts.token, account_id or facts.account_id
    if token is None:
        raise Trouble(
            "no token: go to the folder that `make run` was called in, or put a service token into a file and name it with "
            "--token-file or RUNHOOK_TOKEN_FILE",
            ExitCode.NOT_ALLOWED,
        )
    if not _TOKEN.fullmatch(token):
        raise click.UsageError("the token must be 1 to 512 visible ASCII characters")
    return Settings(
        url=url or DEFAULT_URL, token=token, account_id=account_id, ca_file=named.ca_file, timeout=named.timeout
    )


def checked_url(url: str) -> str:
    """The URL without its last slash. UsageError when no platform can be there."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        fits = False
    if not fits or parts.username is not None or parts.query or parts.fragment:
        raise click.UsageError("the platform's URL must look like https://host or http://host:port")
    return url.rstrip("/")


def read_secret(path: Path) -> str:
    """The text of a file that holds one secret. UsageError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4096).decode("ascii", "replace").strip()
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror}") from None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What `runhook standalone` says of itself to other programs."""

    url: str
    token: str = field(repr=False)
    account_id: int


def standalone_facts(environment: Mapping[str, str]) -> Facts | None:
    """Those of the platform whose data directory is here, or None. It always listens on loopback."""
    path = Path(environment.get("DATA_DIR") or ".runhook") / "standalone.json"
    try:
        facts = json.loads(path.read_text())
        found = Facts(url=str(facts["gateway_url"]), token=str(facts["token"]), account_id=int(facts["account_id"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.url.startswith("http://127.0.0.1:") else None
