"""What a person reads when all is ready."""

from pathlib import Path

from standalone.welcome import welcome

FACTS = {"gateway_url": "http://127.0.0.1:8080", "account_id": 1, "token": "rhk_shown"}


def said(called: str) -> str:
    return welcome(FACTS, data_dir=Path("/data"), allowed="127.0.0.0/8", token_is_new=True, called=called)


def test_the_command_is_found_where_it_was_called() -> None:
    assert "`.venv/bin/runhook listen --subscribe`" in said(".venv/bin/runhook")
    assert "`runhook listen --subscribe`" in said("/usr/lib/python3/cli/__main__.py")
