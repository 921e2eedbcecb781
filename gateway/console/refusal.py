"""What a service had against a form, for the page that shows the form again."""

import re
from dataclasses import dataclass, field

from chassis.errors import BadField
from gateway.http_errors import HttpError

_INDEX = re.compile(r"\[(\d+)\]")
_STALE = (
    "Somebody else has changed it since you opened this page, and nothing of yours is saved. What you typed stands below: "
    "copy what you need, and open the page anew to see how it is now."
)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The sentence at the top, and the bad fields under the names that the form has for them."""

    message: str = ""
    fields: tuple[BadField, ...] = field(default=())

    def of(self, name: str) -> str:
        """What is wrong with a field, parts of it (`name[3]`, `name.part`) included; empty for nothing."""
        return "; ".join(place(bad.field, name) + bad.message for bad in self.fields if is_of(bad.field, name))

    @staticmethod
    def label(path: str) -> str:
        """A field's path as people read it.

        >>> Refusal.label("job_ids[1]"), Refusal.label("retry_schedule.jitter")
        ('job ids, number 2', 'retry schedule jitter')
        """
        return _INDEX.sub(lambda found: f", number {int(found[1]) + 1}", path).replace("_", " ").replace(".", " ")


def refusal_of(error: HttpError, prefix: str = "") -> Refusal:
    """An error as its form's page shows it; `prefix` is what the rpc's fields begin with and the form's do not."""
    if error.status == 412:
        return Refusal(message=_STALE)
    fields = tuple(BadField(bad.field.removeprefix(prefix), bad.message) for bad in error.fields)
    return Refusal(message="" if fields else error.message, fields=fields)


def is_of(path: str, name: str) -> bool:
    """
    >>> is_of("job_ids[2]", "job_ids"), is_of("name", "name"), is_of("names", "name")
    (True, True, False)
    """
    return path == name or path.startswith((f"{name}[", f"{name}."))


def place(path: str, name: str) -> str:
    """Which part of a field is meant, counted from 1.

    >>> place("job_ids[2]", "job_ids"), place("name", "name")
    ('number 3: ', '')
    """
    found = _INDEX.match(path.removeprefix(name))
    return f"number {int(found[1]) + 1}: " if found else ""


NO_REFUSAL = Refusal()
