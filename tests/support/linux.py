"""What tests ask the kernel: which processes a directory has, and a root that may make no namespaces. Linux only."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.require import missing

_IN_NAMESPACE = """
import ctypes, os, sys
ready, go, *program = sys.argv[1:]
if ctypes.CDLL(None).unshare(0x10000000) != 0:
    sys.exit("unshare refused")
os.write(int(ready), b".")
os.read(int(go), 1)
os.setresuid(0, 0, 0)
with open("/proc/sys/user/max_user_namespaces", "w") as limit:
    limit.write("0")
os.execv(program[0], program)
"""


def need_linux() -> None:
    """Skip elsewhere: /proc, user namespaces and death signals are Linux's."""
    if sys.platform != "linux":
        missing("Linux kernel")


def processes_of(directory: Path) -> dict[int, str]:
    """Pid and command line of every living process that works in the directory or was told of it."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
                told = command + (entry / "environ").read_bytes()
                here = str(directory).encode() in told or Path(os.readlink(entry / "cwd")).is_relative_to(directory)
            except OSError:  # gone meanwhile, a zombie, or another user's
                continue
            if here:
                found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def wait_until_gone(directory: Path, seconds: float) -> dict[int, str]:
    """The processes of the directory that are still there when none is left or the time is over."""
    deadline = time.monotonic() + seconds
    while (left := processes_of(directory)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def run_as_root_without_namespaces(
    program: Sequence[str], *, second_user: bool, environment: Mapping[str, str], timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a program as a root that is refused further user namespaces, as in a container with the usual seccomp filter.

    `second_user`: whether user 65534 exists for it, too, which only a real root can arrange.
    """
    need_linux()
    if second_user and os.geteuid() != 0:
        missing("root")
    ready_read, ready_write = os.pipe()
    go_read, go_write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_NAMESPACE, str(ready_write), str(go_read), *program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        pass_fds=[ready_write, go_read],
    )
    os.close(ready_write)
    os.close(go_read)
    if os.read(ready_read, 1) == b".":
        more = "\n65534 65534 1" if second_user else ""
        if not second_user:
            Path(f"/proc/{process.pid}/setgroups").write_text("deny")
        Path(f"/proc/{process.pid}/uid_map").write_text(f"0 {os.geteuid()} 1{more}")
        Path(f"/proc/{process.pid}/gid_map").write_text(f"0 {os.getegid()} 1{more}")
        os.write(go_write, b".")
    os.close(ready_read)
    os.close(go_write)
    out, err = process.communicate(timeout=timeout)
    if "unshare refused" in err:
        missing("user namespaces")
    return subprocess.CompletedProcess(program, process.returncode, out, err)
