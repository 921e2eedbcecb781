"""Tasks and plans that a form offers. Invariant: each can be chosen, one that the form does not reach by its number.

A few stand in a list to choose from. Where there are more, a text finds them: a part of the name, or the number.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from runhook.trigger.v1.plan_pb2 import Plan
from runhook.trigger.v1.task_pb2 import Task

#: As many as a list may have that a person looks through.
FEW = 100
_CHOSEN = re.compile(r"(?:(?:.*[( ])?(task|plan)[ :])?([0-9]{1,18})[)]?", re.DOTALL)


class Choices(NamedTuple):
    """Keys, such as task:5, with what is shown for them; `typed` is whether they are too many for a list."""

    pairs: list[tuple[str, str]]
    typed: bool

    def shown(self, key: str) -> str:
        """What a field says of the key that is chosen; what was typed instead of one stays as it is."""
        return dict(self.pairs).get(key, key.replace(":", " "))


def choices(tasks: Iterable[Task], plans: Iterable[Plan] = (), *, chosen: str = "") -> Choices:
    """These; and in a list, what is chosen already, if they do not reach it."""
    pairs = [(f"task:{one.task_id}", f"{one.name} (task {one.task_id})") for one in tasks]
    pairs += [(f"plan:{one.plan_id}", f"{one.name} (plan {one.plan_id})") for one in plans]
    typed = len(pairs) > FEW
    if chosen and not typed and chosen not in dict(pairs):
        pairs.append((chosen, chosen.replace(":", " ")))
    return Choices(pairs, typed)


def choice_of(text: str) -> tuple[str, int]:
    """What was chosen or typed: "task", "plan" or "" where that is not said, and its number; 0 for what has none.

    >>> choice_of("task:5"), choice_of("Load (plan 2) (task 5)"), choice_of("5"), choice_of("Load 5")
    (('task', 5), ('task', 5), ('', 5), ('', 0))
    """
    found = _CHOSEN.fullmatch(text.strip())
    return (found[1] or "", int(found[2])) if found else ("", 0)
