"""The data directory: who may use it now, and its secrets. Invariant: one standalone at a time, secrets are made once.

lock              held by standalone and all its children, so a start waits until a killed one is gone entirely
secrets/          mode 0700: key-ring, console-key, service-credential, first-token, <role>.password
logs/             one file a process, begun anew at each start; the one before is <name>.log.1
pg18/             the embedded Postgres
standalone.json   mode 0600: addresses and the token, for other programs
"""

import asyncio
import base64
import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from standalone.files import write_private
from standalone.trouble import Trouble

_LOCK_SECONDS = 10.0
_POLL_SECONDS = 0.1


class Home:
    """An open data directory; `close` lets the next one in."""

    def __init__(self, directory: Path) -> None:
        """Make the directory. Raises Trouble if it cannot be written."""
        self.directory = directory
        self.logs = directory / "logs"
        self._secrets = directory / "secrets"
        self.first_token = self._secrets / "first-token"
        try:
            if not directory.exists():  # one that was there keeps its mode: it may be shared
                directory.mkdir(mode=0o700, parents=True)
            self._secrets.mkdir(mode=0o700, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            self.lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Trouble(f"DATA_DIR={directory}: cannot write there: {error.strerror}") from error

    async def enter(self) -> None:
        """Be the one. Waits for the children of one that was killed; raises Trouble if one is alive."""
        deadline = time.monotonic() + _LOCK_SECONDS
        while not self._locked():
            if self._holder_lives() or time.monotonic() > deadline:
                raise Trouble(
                    f"DATA_DIR={self.directory}: another runhook standalone uses it, end that or choose another DATA_DIR"
                )
            await asyncio.sleep(_POLL_SECONDS)
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, str(os.getpid()).encode(), 0)
        (self.directory / "standalone.json").unlink(missing_ok=True)

    def _locked(self) -> bool:
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holder_lives(self) -> bool:
        try:
            os.kill(int(os.pread(self.lock, 20, 0)), 0)
        except (ValueError, ProcessLookupError):
            return False
        except PermissionError:
            pass  # alive, and another user's
        return True

    def close(self) -> None:
        """Give the lock back, as far as we hold it."""
        os.close(self.lock)

    def log(self, name: str) -> Path:
        """An empty log for a process of this start."""
        path = self.logs / f"{name}.log"
        if path.exists():
            path.replace(path.with_suffix(".log.1"))
        return path

    def secret(self, name: str, make: Callable[[], str]) -> Path:
        """The file of a secret that is made at most once."""
        path = self._secrets / name
        if not path.exists():
            write_private(path, make())
        return path

    def settle_token(self, chosen: str | None) -> bool:
        """Put the first account's token into its file; whether it had to be made up just now."""
        made_up = chosen is None and not self.first_token.exists()
        if made_up or chosen is not None:
            write_private(self.first_token, chosen or f"rhk_{secrets.token_urlsafe(32)}")
        return made_up

    def announce(self, facts: Mapping[str, object]) -> None:
        """Write standalone.json."""
        write_private(self.directory / "standalone.json", json.dumps(facts, indent=2) + "\n")


def new_password() -> str:
    """256 random bits; letters and digits that need no quoting in a URL."""
    return secrets.token_urlsafe(32)


def new_key_ring() -> str:
    """A ring of one key."""
    return f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}\n"
