"""Pages by key: sizes, and tokens that only we make."""

import base64
import hashlib

import pytest

from chassis.errors import InvalidInput
from chassis.page_token import LARGEST_KEY
from chassis.paging import Page, asked


def token_after(key: int, name: str = "accounts") -> str:
    """The token that a page gives whose last shown row has this key."""
    return Page(name=name, after=0, size=1).cut([key, key + 1], lambda one: one)[1]


def forged(text: str) -> str:
    """What somebody who reads our code would make."""
    check = hashlib.sha256(text.encode()).digest()[:6]
    return base64.urlsafe_b64encode(check + text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(("page_size", "size"), [(0, 20), (1, 1), (100, 100), (101, 100), (2**31 - 1, 100)])
def test_a_page_has_its_default_and_its_largest_size(page_size: int, size: int) -> None:
    assert asked("tasks", page_size=page_size, page_token="").size == size


@pytest.mark.parametrize(("page_size", "size"), [(0, 100), (1000, 1000), (1001, 1000)])
def test_a_list_may_have_sizes_of_its_own(page_size: int, size: int) -> None:
    assert asked("accounts", page_size=page_size, page_token="", default=100, largest=1_000).size == size


def test_a_list_that_begins_with_the_newest_begins_beyond_every_key() -> None:
    assert asked("windows", page_size=0, page_token="", newest_first=True).after == LARGEST_KEY
    token = token_after(7, "windows")
    assert asked("windows", page_size=0, page_token=token, newest_first=True).after == 7


def test_a_page_is_cut_at_its_size_and_the_next_one_goes_on_after_it() -> None:
    first = asked("accounts", page_size=2, page_token="")
    assert (first.after, first.most) == (0, 3)
    shown, token = first.cut([4, 7, 9], lambda one: one)
    assert shown == [4, 7]
    assert asked("accounts", page_size=2, page_token=token).after == 7


@pytest.mark.parametrize("found", [[], [4], [4, 7]])
def test_the_last_page_has_no_next_one(found: list[int]) -> None:
    assert asked("accounts", page_size=2, page_token="").cut(found, lambda one: one) == (found, "")


@pytest.mark.parametrize("key", [1, 2**63 - 1])
def test_a_token_leads_back_to_its_key(key: int) -> None:
    assert asked("accounts", page_size=0, page_token=token_after(key)).after == key


@pytest.mark.parametrize(
    "token",
    [
        "1",
        "7",
        "=",
        "\x00",
        "日本",
        "x" * 10_000,
        token_after(7, "service_tokens"),
        token_after(7) + "=",
        token_after(7)[:-1],
        token_after(2**63 - 1)[:-2],
        base64.urlsafe_b64encode(b"accounts:7").decode(),
        forged("accounts:-1"),
        forged("accounts:07"),
        forged("accounts: 7"),
        forged("accounts:\u0667"),
        forged("accounts:" + "9" * 5_000),
        forged(f"accounts:{2**63}"),
    ],
)
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        asked("accounts", page_size=0, page_token=token)
    assert [bad.field for bad in caught.value.fields] == ["page_token"]


def test_a_forged_token_is_a_position_and_nothing_more() -> None:
    assert forged("accounts:7") == token_after(7)


def test_both_bad_fields_are_named_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        asked("accounts", page_size=-1, page_token="made up")
    assert [bad.field for bad in caught.value.fields] == ["page_size", "page_token"]
