"""The last step before a child's program: who it is and with whom it dies. Invariant: no child outlives its parent.

Run by path (`python -I -S child.py PARENT_PID DEATH_SIGNAL IDENTITY PROGRAM [ARGUMENT...]`), with the standard library
alone, because this must happen between fork and exec and the parent may have threads, where Python code after a fork is
unsafe. It replaces itself with PROGRAM, so the parent's child is the program itself.

IDENTITY: `same`; `namespace` (in a user namespace in which our user is called 65534: for programs that refuse root,
while files stay ours); `nobody` (really user 65534). Exit code 70: the identity was refused; 71: it cannot be run.
"""

import ctypes
import os
import sys

NOBODY = 65534
REFUSED = 70
NOT_RUNNABLE = 71
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Become the program; returns only when that fails."""
    parent, death_signal, identity, *program = arguments
    try:
        take_identity(identity)
        die_with(int(parent), int(death_signal))
    except OSError as error:
        return fail(f"identity {identity!r} refused: {error.strerror}", REFUSED)
    try:
        os.execv(program[0], program)
    except OSError as error:
        return fail(f"cannot run {program[0]}: {error.strerror}", NOT_RUNNABLE)


def take_identity(identity: str) -> None:
    """Raises OSError where the kernel says no."""
    if identity == "namespace":
        user, group = os.geteuid(), os.getegid()
        call("unshare", _CLONE_NEWUSER)
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{NOBODY} {user} 1")
        write("/proc/self/gid_map", f"{NOBODY} {group} 1")
    elif identity == "nobody":
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def die_with(parent: int, death_signal: int) -> None:
    """Ask the kernel for a signal when the parent dies. After the identity: a change of user forgets the wish."""
    if sys.platform != "linux":
        return
    call("prctl", _PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before the wish was heard
        os.kill(os.getpid(), death_signal)


def call(function: str, *arguments: int) -> None:
    """A C library function that Python 3.11 does not wrap."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*(ctypes.c_ulong(argument) for argument in arguments)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def write(path: str, text: str) -> None:
    """In one write call, as the kernel wants it for the maps."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def fail(line: str, code: int) -> int:
    """One line on stderr."""
    print(f"runhook: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
