"""Page tokens: one a position, and nothing else is one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.page_token import LARGEST_KEY, keys_of, page_token

KEYS = st.lists(st.integers(0, LARGEST_KEY), min_size=1, max_size=3)


@given(keys=KEYS)
def test_a_token_names_its_position(keys: list[int]) -> None:
    assert list(keys_of("deliveries", page_token("deliveries", *keys), len(keys))) == keys


@given(keys=KEYS, data=st.data())
def test_a_token_that_was_changed_anywhere_is_none(keys: list[int], data: st.DataObject) -> None:
    token = page_token("deliveries", *keys)
    index = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("AZaz09-_=+ ").filter(lambda letter: letter != token[index]))
    with pytest.raises(ValueError):  # noqa: PT011 - any of decoding's
        keys_of("deliveries", token[:index] + other + token[index + 1 :], len(keys))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "?",
        "AAAA",
        page_token("accounts", 1),
        page_token("deliveries", 1),
        base64.b64encode(b"deliveries:1:2").decode(),
    ],
)
def test_what_is_no_token_of_this_list_is_refused(token: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of decoding's
        keys_of("deliveries", token, 2)
