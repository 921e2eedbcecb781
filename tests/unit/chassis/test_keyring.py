"""Secrets at rest: what opens, and what does not."""

import base64
from pathlib import Path

import pytest

from chassis.keyring import KeyRing
from chassis.settings import SettingsError

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def test_a_sealed_secret_opens_in_its_own_row_alone() -> None:
    ring = KeyRing({"a": OLD})
    sealed = ring.seal(b"secret", "signing_secret:1")
    assert ring.open(sealed, "signing_secret:1") == b"secret"
    with pytest.raises(ValueError, match="does not open"):
        ring.open(sealed, "signing_secret:2")


def test_the_first_key_seals_and_every_key_opens() -> None:
    sealed = KeyRing({"a": OLD}).seal(b"secret", "row")
    rotated = KeyRing({"b": NEW, "a": OLD})
    assert rotated.open(sealed, "row") == b"secret"
    assert rotated.seal(b"secret", "row").startswith(b"v1.b.")


def test_a_key_id_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    path.write_text("".join(f"a:{base64.b64encode(key).decode()}\n" for key in (NEW, OLD)))
    with pytest.raises(SettingsError, match="a key id is there twice"):
        KeyRing.from_file(path)


def test_a_value_under_a_lost_key_says_which() -> None:
    sealed = KeyRing({"a": OLD}).seal(b"secret", "row")
    with pytest.raises(ValueError, match="no key 'a'"):
        KeyRing({"b": NEW}).open(sealed, "row")


def test_only_what_the_first_key_sealed_is_of_the_newest() -> None:
    sealed = KeyRing({"a": OLD}).seal(b"secret", "row")
    assert KeyRing({"a": OLD, "b": NEW}).is_newest(sealed)
    assert not KeyRing({"b": NEW, "a": OLD}).is_newest(sealed)
    assert not KeyRing({"aa": NEW, "a": OLD}).is_newest(sealed)
    assert not KeyRing({"a": OLD}).is_newest(b"")


def test_changed_bytes_do_not_open() -> None:
    ring = KeyRing({"a": OLD})
    sealed = ring.seal(b"secret", "row")
    with pytest.raises(ValueError, match="does not open"):
        ring.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), "row")


def test_equal_secrets_are_sealed_differently() -> None:
    ring = KeyRing({"a": OLD})
    assert ring.seal(b"secret", "row") != ring.seal(b"secret", "row")


@pytest.mark.parametrize(
    "text",
    ["", "a", "a:", "a:nothing", "a:" + base64.b64encode(b"short").decode(), "a.b:" + base64.b64encode(OLD).decode()],
)
def test_a_bad_key_file_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ring"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        KeyRing.from_file(path)
    assert "RUNHOOK_KEY_RING_FILE" in str(caught.value)
    assert "nothing" not in str(caught.value)
