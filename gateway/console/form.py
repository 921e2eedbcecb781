"""What a page was sent: fields of a form or of a query, as text."""

from collections.abc import Mapping, Sequence
from typing import Self
from urllib.parse import parse_qsl

from gateway.http_errors import HttpError

MOST_FIELDS = 1000


class Form:
    """Fields by name. What was not sent is empty: a service says what must not be."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Of application/x-www-form-urlencoded. HttpError 400 for what is none."""
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        except ValueError:
            raise HttpError(400, "the form cannot be read", reason="INVALID_FORM") from None
        fields: dict[str, list[str]] = {}
        for name, value in pairs:
            fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
        return cls(fields)

    def text(self, name: str) -> str:
        """One field; of several the last."""
        found = self._fields.get(name)
        return found[-1] if found else ""

    def all(self, name: str) -> list[str]:
        """Every field of that name, such as ticked boxes."""
        return list(self._fields.get(name, ()))

    def has(self, name: str) -> bool:
        """Whether it was sent at all: a box that is ticked."""
        return name in self._fields

    def words(self, name: str) -> list[str]:
        """What a field holds between blanks, commas and line ends."""
        return self.text(name).replace(",", " ").split()

    def lines(self, name: str) -> list[str]:
        """Its lines, without those that are blank."""
        return [line.strip() for line in self.text(name).split("\n") if line.strip()]


NO_FORM = Form({})
