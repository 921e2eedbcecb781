"""A form of a page as a browser would send it: what stands in its fields, untouched."""

from html.parser import HTMLParser

from tests.support.console import Seen


class _Fields(HTMLParser):
    """Collects what a browser would send of the form with an action, untouched."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self._action, self._inside, self._select, self._area = action, False, "", ""
        self.fields: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        name = said.get("name", "")
        if tag == "form":
            self._inside = said.get("action") == self._action
        elif not self._inside:
            return
        elif tag == "input" and said.get("type", "text") not in ("checkbox", "radio"):
            self.fields.append((name, said.get("value", "")))
        elif tag == "input" and "checked" in said:
            self.fields.append((name, said.get("value", "on")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in said:
            self.fields.append((self._select, said.get("value", "")))
        elif tag == "textarea":
            self._area = name
            self.fields.append((name, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
            if self._inside:  # a browser leaves out the line end that begins the text
                name, text = self.fields[-1]
                self.fields[-1] = (name, text.removeprefix("\n"))

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[-1] = (self.fields[-1][0], self.fields[-1][1] + data)


def fields_of(seen: Seen, action: str) -> list[tuple[str, str]]:
    """The form as it came, with its token."""
    parser = _Fields(action)
    parser.feed(seen.html)
    assert parser.fields, f"no form posts to {action}"
    return parser.fields
