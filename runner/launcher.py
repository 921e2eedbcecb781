"""Stands between the runner and one command, so that whatever the command starts ends with it, and with the runner.

A program of its own (standard library alone, started with -I -S): the runner holds the other end of its control
socket and sends one order down it; end of file there means that the runner is gone, however it died. What holds:

- Linux: the launcher is the subreaper of all that the command starts, so a grandchild that left its process group or
  its session is adopted by the launcher and killed with the rest, when the command ends, is stopped, or the runner
  dies (kill -9 too). If somebody kills the launcher itself, the command dies with it (PR_SET_PDEATHSIG) and the
  runner kills its group; what had left the group then lives on.
- Elsewhere: the command's process group is killed in all those cases; a process that left the group lives on.
- Nowhere: a command that kills the launcher, as its user may, or forks faster than it is killed. Where commands are
  not trusted that far, give each runner a container or a cgroup.

Down: 4 bytes length, JSON {argv, environment, directory, limits, grace}; then nothing, or b"s" to stop: SIGTERM to the group,
SIGKILL after `grace` seconds. Up, JSON lines: {"group": number} before the command's first instruction, then
{"exit": code} or {"signal": number} when it and all it left behind are gone, or {"error": text} if it could not start.
"""

import ctypes
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LINUX = sys.platform == "linux"


def main() -> None:
    """Takes the order from the control socket, whose descriptor is the one argument, and sees the command through."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    order = _receive(control)
    if order is None:
        return
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # stopping is the runner's to say; its death is seen on the socket
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wakeup, alarm = socket.socketpair()
    for end in (wakeup, alarm):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(alarm.fileno(), warn_on_full_buffer=False)
    try:
        command = _start(order, control)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        _say(control, {"error": f"{order['argv'][0]} cannot be started: {getattr(error, 'strerror', None) or error}"})
        return
    status = _watch(control, wakeup, command.pid, float(order["grace"]))
    _kill_all(command.pid)
    code = os.waitstatus_to_exitcode(status)
    _say(control, {"exit": code} if code >= 0 else {"signal": -code})


def _receive(control: socket.socket) -> dict[str, Any] | None:
    data = b""
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
        piece = control.recv(1 << 16)
        if not piece:
            return None
        data += piece
    order: dict[str, Any] = json.loads(data[4:])
    return order


def _start(order: dict[str, Any], control: socket.socket) -> subprocess.Popen[bytes]:
    def last_steps() -> None:  # in the child, before the command's first instruction; safe: the launcher has one thread
        _say(control, {"group": os.getpid()})
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for name, limit in {"RLIMIT_CORE": 0, **order["limits"]}.items():
            _limit(getattr(resource, name), limit)
        if LINUX:
            _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    if LINUX:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
    return subprocess.Popen(
        order["argv"],
        env=order["environment"],
        cwd=order["directory"],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=last_steps,
    )


def _limit(number: int, limit: int) -> None:
    """Sets a limit, as far as the runner's own allows it: what the command starts has it too."""
    _, most = resource.getrlimit(number)
    allowed = limit if most == resource.RLIM_INFINITY else min(limit, most)
    resource.setrlimit(number, (allowed, allowed))


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


def _watch(control: socket.socket, wakeup: socket.socket, pid: int, grace: float) -> int:
    """Waits for the command's end and returns its wait status. Passes on a stop; kills when the runner is gone."""
    deadline: float | None = None
    watched = [control, wakeup]
    while True:
        status = _reap(pid)
        if status is not None:
            return status
        patience = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select(watched, [], [], patience)
        if wakeup in ready:
            wakeup.recv(1 << 10)
        if control in ready:
            watched.remove(control)
            stopping = control.recv(1) == b"s"
            deadline = time.monotonic() + (grace if stopping else 0)
            _signal_group(pid, signal.SIGTERM if stopping else signal.SIGKILL)
            if stopping:
                watched.append(control)
        if deadline is not None and time.monotonic() >= deadline:
            _signal_group(pid, signal.SIGKILL)
            deadline = None


def _reap(pid: int) -> int | None:
    """Reaps whoever has ended (adopted ones too); the command's wait status once it is among them."""
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if ended == 0:
            return None
        if ended == pid:
            return status


def _kill_all(group: int) -> None:
    """Kills what the command left behind, generation after generation, until nobody is left to wait for."""
    _signal_group(group, signal.SIGKILL)
    while True:
        for pid in _children() if LINUX else ():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    """The launcher's own children, adopted ones too. From /proc/*/stat: not every kernel keeps lists of children."""
    children = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    parent = stat.read().rpartition(b")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == os.getpid():
                children.append(int(name))
    return children


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def _say(control: socket.socket, word: dict[str, object]) -> None:
    try:
        control.sendall(json.dumps(word).encode() + b"\n")
    except OSError:
        return


if __name__ == "__main__":
    main()
