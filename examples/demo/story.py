"""What a person reads while the demo runs. Invariant: it holds only if something was checked and every check held."""

import sys


class Trouble(Exception):
    """The demo cannot go on; the text says why."""


class Story:
    """Numbered steps, and a tick or a cross per check."""

    def __init__(self) -> None:
        self._steps = 0
        self._checks = 0
        self._failed: list[str] = []
        self._tick, self._cross = _marks(sys.stdout.encoding or "ascii")

    def step(self, title: str) -> None:
        """A new numbered step."""
        self._steps += 1
        print(f"\n{self._steps}. {title}", flush=True)

    def say(self, line: str) -> None:
        """One line of what happens."""
        print(f"     {line}", flush=True)

    def check(self, what: str, *, expected: object, came: object) -> None:
        """A tick and what came when both are equal; else a cross, with what was expected and what came in full."""
        self._checks += 1
        if came == expected:
            shown = _shown(came)
            print(f"   {self._tick} {what}: {shown if len(shown) <= 100 else shown[:97] + '...'}", flush=True)
            return
        self._failed.append(what)
        print(f"   {self._cross} {what}", flush=True)
        print(f"       expected: {_shown(expected)}\n       came:     {_shown(came)}", flush=True)

    def fail(self, why: str) -> None:
        """A cross for what was no check and cannot go on."""
        self._checks += 1
        self._failed.append(why.partition("\n")[0].rstrip(":"))
        print(f"   {self._cross} {why}", flush=True)

    def end(self) -> bool:
        """The last line; whether the demo holds."""
        if self._failed:
            print(f"\n{self._cross} {len(self._failed)} of {self._checks} checks failed: {'; '.join(self._failed)}")
        else:
            print(f"\n{self._tick} all {self._checks} checks hold")
        return not self._failed and self._checks > 0


def _marks(encoding: str) -> tuple[str, str]:
    try:
        "✓✗".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "ok", "NO"
    return "✓", "✗"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value) or "none"
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
