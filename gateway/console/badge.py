"""A state as pages show it: a kind, which is a colour and a shape (templates/_macros/status.html), and a word."""

from typing import NamedTuple


class Badge(NamedTuple):
    """`kind` is good, bad, warn, busy (under way), wait (not begun) or off."""

    kind: str
    word: str
