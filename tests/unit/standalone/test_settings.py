"""What the environment may say to standalone; the refusals are in tests/integration/standalone/test_trouble.py."""

from pathlib import Path

import pytest

from standalone.settings import load
from standalone.trouble import Trouble


def test_everything_has_a_default() -> None:
    settings = load({"PATH": "/usr/bin"})
    assert (settings.port, settings.data_dir) == (8080, Path(".runhook").absolute())
    assert (settings.token, settings.database_url, settings.passed_on) == (None, None, {})
    assert settings.commands.name == "commands.toml"


def test_an_empty_variable_is_an_unset_one() -> None:
    empty = dict.fromkeys(("PORT", "DATA_DIR", "TOKEN", "DATABASE_URL", "COMMANDS"), "")
    assert load(empty) == load({})


def test_settings_of_the_processes_are_passed_on() -> None:
    settings = load({"RUNHOOK_DELIVERY_SLOTS": "64", "RUNHOOK_LOG_LEVEL": "debug", "RUNHOOK_REQUIRE": "all"})
    assert settings.passed_on == {"RUNHOOK_DELIVERY_SLOTS": "64", "RUNHOOK_LOG_LEVEL": "debug"}


@pytest.mark.parametrize("port", ["-1", "65536", "8080.0", "²", "http"])
def test_a_port_is_a_number_from_0_to_65535(port: str) -> None:
    with pytest.raises(Trouble, match=f"PORT={port}: set a number from 0 to 65535"):
        load({"PORT": port})


@pytest.mark.parametrize("url", ["mysql://host/db", "postgresql://", "postgresql://host:port/db", "host/db"])
def test_a_database_url_names_a_postgres_and_its_host(url: str) -> None:
    with pytest.raises(Trouble, match="DATABASE_URL: set postgresql://"):
        load({"DATABASE_URL": url})


def test_a_gateway_with_a_certificate_is_reached_over_tls() -> None:
    assert load({}).gateway_url("127.0.0.1:8080") == "http://127.0.0.1:8080"
    over_tls = load({"RUNHOOK_GATEWAY_TLS_CERT": "/tls/tls.crt", "RUNHOOK_GATEWAY_TLS_KEY": "/tls/tls.key"})
    assert over_tls.gateway_url("127.0.0.1:8080") == "https://127.0.0.1:8080"
