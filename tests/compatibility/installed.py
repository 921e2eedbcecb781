"""Clients of others, installed as their users install them and run as programs of their own.

Invariant: nothing of theirs is changed or replaced. `beside` only narrows which of its dependencies' releases pip takes,
where what came out after the client no longer works with it.
"""

import asyncio
import fcntl
import json
import os
import re
import subprocess
import venv
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

DRIVER = Path(__file__).with_name("driver.py")
LARGEST_LINE = 1024 * 1024


class Raised(Exception):
    """What a client raised where it should have returned."""


def install(cache: Path, *requirements: str) -> Path:
    """A virtual environment with these from PyPI, made once. Returns its folder of programs; CalledProcessError from pip."""
    home = cache / re.sub(r"[^\w.]+", "-", "_".join(requirements))
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "made").exists():
            venv.create(home, with_pip=True, clear=True)
            pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([home / "bin" / "python", *pip, *requirements], check=True)
            (home / "made").touch()
    return home / "bin"


def environment(home: Path, **variables: str) -> dict[str, str]:
    """A user's environment with a home of his own, in which these variables are all that is set."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home), "NO_COLOR": "1", **variables}


async def run(program: Path, *arguments: str, env: Mapping[str, str]) -> str:
    """Run a client's command; returns what it prints. AssertionError with what it says on stderr if it fails."""
    process = await asyncio.create_subprocess_exec(program, *arguments, env=env, stdout=PIPE, stderr=PIPE)
    printed, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return printed.decode()


class Session:
    """A client's object in a Python of its own: awaiting `session("method", ...)` calls that method."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def __call__(self, name: str, *arguments: Any, **named: Any) -> Any:
        """What the method returns, as JSON holds it. Raised if it raises."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([name, arguments, named]).encode() + b"\n")
        answer = json.loads(await self._process.stdout.readline() or "{}")
        if "raised" in answer:
            raise Raised(answer["raised"])
        return answer["returned"]


@asynccontextmanager
async def session(
    programs: Path, made_by: str, attribute: str = "", *, env: Mapping[str, str], **options: Any
) -> AsyncIterator[Session]:
    """`made_by` is module:name of what makes the object, from these options; `attribute` of it is used where given."""
    process = await asyncio.create_subprocess_exec(
        programs / "python",
        *("-I", str(DRIVER), made_by, attribute, json.dumps(options)),
        env=env,
        stdin=PIPE,
        stdout=PIPE,
        limit=LARGEST_LINE,
    )
    try:
        yield Session(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
