"""Which platform, as whom: what was named, and what a standalone beside it says."""

import json
from pathlib import Path

import click
import pytest

from cli.settings import DEFAULT_URL, Named, checked_url, settle
from cli.trouble import ExitCode, Trouble

FACTS = {"gateway_url": "http://127.0.0.1:8181", "token": "rhk_of-the-standalone", "account_id": 1}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of a person beside a standalone."""
    (tmp_path / "standalone.json").write_text(json.dumps(FACTS))
    return {"DATA_DIR": str(tmp_path)}


def test_beside_a_standalone_nothing_need_be_named(environment: dict[str, str]) -> None:
    settings = settle(Named(), environment)
    assert (settings.url, settings.token, settings.account_id) == tuple(FACTS.values())


def test_its_url_may_be_named_and_another_account(environment: dict[str, str]) -> None:
    settings = settle(Named(url="http://127.0.0.1:8181/", account_id=5), environment)
    assert (settings.token, settings.account_id) == (FACTS["token"], 5)


def test_its_token_goes_to_no_other_address(environment: dict[str, str]) -> None:
    with pytest.raises(Trouble) as refused:
        settle(Named(url="https://example.org"), environment)
    assert refused.value.code is ExitCode.NOT_ALLOWED


def test_a_token_that_was_named_goes_to_no_address_that_a_file_says(environment: dict[str, str]) -> None:
    assert settle(Named(token="mine"), environment).url == DEFAULT_URL


@pytest.mark.parametrize(
    "facts",
    [
        "",
        "[]",
        "{}",
        json.dumps(FACTS | {"gateway_url": "http://example.org"}),
        json.dumps(FACTS | {"account_id": None}),
    ],
)
def test_facts_that_are_none_are_passed_over(facts: str, tmp_path: Path) -> None:
    (tmp_path / "standalone.json").write_text(facts)
    with pytest.raises(Trouble, match="or put a service token into a file"):
        settle(Named(), {"DATA_DIR": str(tmp_path)})


def test_a_tokens_file_goes_before_its_text(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("rhk_in-a-file\n")
    assert settle(Named(token="rhk_said", token_file=file), {}).token == "rhk_in-a-file"


@pytest.mark.parametrize("text", ["", "two words", "a\nb", "naïve", "x" * 513])
def test_what_can_be_no_token_is_refused_before_it_is_sent(text: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    with pytest.raises(click.UsageError, match="the token must be"):
        settle(Named(token_file=file), {})


def test_a_token_is_in_no_repr() -> None:
    named = Named(token="rhk_secret")
    assert "rhk_secret" not in repr(named) + repr(settle(named, {}))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match=r"cannot read .*nowhere: No such file"):
        settle(Named(token_file=tmp_path / "nowhere"), {})


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org", "http://", "http://me:word@host", "http://h/?a=b", "http://h:0", "http://h:x",
     "http://[::1", "http://h\n"],
)  # fmt: skip
def test_what_can_be_no_platforms_url_is_refused(url: str) -> None:
    with pytest.raises(click.UsageError, match="must look like"):
        checked_url(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://example.org/runhook", "http://[::1]:80"])
def test_a_slash_at_the_end_makes_no_difference(url: str) -> None:
    assert checked_url(f"{url}/") == checked_url(url) == url
