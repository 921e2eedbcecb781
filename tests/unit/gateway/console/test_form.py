"""Fields of forms, as they come."""

import pytest

from gateway.console.form import MOST_FIELDS, Form
from gateway.http_errors import HttpError


def test_fields_are_text_in_utf_8_with_plain_line_ends() -> None:
    form = Form.parse(b"a=%C3%A4+b&a=2&c=1%0D%0A%0D%0A2&d=")
    assert (form.text("a"), form.all("a")) == ("2", ["ä b", "2"])
    assert (form.text("c"), form.lines("c"), form.words("c")) == ("1\n\n2", ["1", "2"], ["1", "2"])
    assert (form.has("d"), form.has("e"), form.text("e"), form.all("e")) == (True, False, "", [])


@pytest.mark.parametrize("body", [b"a=%FF", "a=ä".encode(), b"a&" * (MOST_FIELDS + 1)])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(HttpError, match="cannot be read"):
        Form.parse(body)
