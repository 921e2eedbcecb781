"""What a person typed into a form, as what messages hold; what cannot be read is collected for the form to show."""

from chassis.errors import BadField
from gateway.console.form import Form
from gateway.console.refusal import Refusal
from gateway.numbers import LARGEST_OF_32_BITS, decimal

_NUMBER = "must be a whole number, in digits"


class Entry:
    """Reads a form field by field. `bad` grows with what is wrong by itself; rules are the services'."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.bad: list[BadField] = []

    @property
    def refusal(self) -> Refusal:
        """What could not be read, as the form's page shows it."""
        return Refusal(fields=tuple(self.bad))

    def number(self, name: str, *, large: bool = False) -> int:
        """A field that is a number; 0 for an empty one. `large` ones have 64 bits."""
        text = self.form.text(name).strip().replace(",", "").replace(" ", "")
        if not text:
            return 0
        found = decimal(text)
        if found is None or (not large and found > LARGEST_OF_32_BITS):
            self.bad.append(BadField(name, _NUMBER))
            return 0
        return found

    def numbers(self, name: str, text: str) -> list[int]:
        """Large numbers between blanks and commas, which stand in field `name`."""
        found = [decimal(word) for word in text.replace(",", " ").split()]
        if None in found:
            self.bad.append(BadField(name, f"{_NUMBER}, several with commas between them"))
        return [one for one in found if one is not None]

    def real(self, name: str) -> float:
        """A field that is a number with a point or without; 0.0 for an empty one."""
        text = self.form.text(name).strip()
        if not text:
            return 0.0
        try:
            found = float(text)
        except ValueError:
            found = float("nan")
        if not abs(found) < 1e300:
            self.bad.append(BadField(name, "must be a number, such as 5 or 0.5"))
            return 0.0
        return found

    def pairs(self, name: str) -> list[tuple[str, str]]:
        """Rows of a name and a value each, fields `name.key` and `name.value`; empty rows are left out."""
        rows = zip(self.form.all(f"{name}.key"), self.form.all(f"{name}.value"), strict=False)
        return [(key.strip(), value) for key, value in rows if key.strip() or value.strip()]
