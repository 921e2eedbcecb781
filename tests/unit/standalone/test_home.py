"""The data directory and its secrets."""

import json
import stat
from pathlib import Path

import pytest

from chassis.keyring import KeyRing
from standalone.home import Home, new_key_ring, new_password


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_only_we_can_read_what_is_in_it(directory: Path) -> None:
    home = Home(directory)
    home.settle_token(None)
    home.announce({"token": "t"})
    assert mode(directory) == mode(directory / "secrets") == mode(directory / "logs") == 0o700
    assert mode(home.first_token) == mode(directory / "standalone.json") == mode(directory / "lock") == 0o600
    assert json.loads((directory / "standalone.json").read_text()) == {"token": "t"}
    home.close()


def test_a_directory_that_was_there_keeps_its_mode(directory: Path) -> None:
    directory.mkdir(mode=0o755)
    Home(directory).close()
    assert mode(directory) == 0o755


def test_secrets_are_made_once(directory: Path) -> None:
    home = Home(directory)
    path = home.secret("key-ring", new_key_ring)
    first = path.read_text()
    assert home.secret("key-ring", new_key_ring).read_text() == first
    KeyRing.from_file(path)
    assert len(home.secret("service-credential", new_password).read_text()) >= 32
    home.close()


def test_a_made_up_token_is_new_only_once_and_a_chosen_one_takes_its_place(directory: Path) -> None:
    home = Home(directory)
    assert home.settle_token(None) is True
    made_up = home.first_token.read_text()
    assert home.settle_token(None) is False
    assert home.first_token.read_text() == made_up
    assert home.settle_token("the-one-that-i-want") is False
    assert home.first_token.read_text() == "the-one-that-i-want"
    home.close()


def test_the_log_of_the_start_before_is_kept(directory: Path) -> None:
    home = Home(directory)
    home.log("gateway").write_text("first")
    assert not home.log("gateway").exists()
    assert (directory / "logs" / "gateway.log.1").read_text() == "first"
    home.close()
