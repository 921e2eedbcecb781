"""Settings: every bad and every unknown one is named at once."""

import pytest
from pydantic import Field

from chassis.settings import ServiceSettings, Settings, SettingsError


class LampSettings(ServiceSettings):
    lamp_count: int = Field(default=1, ge=1)

    @classmethod
    def own_prefix(cls) -> str:
        return "LAMP_"


GOOD = {"RUNHOOK_DATABASE_URL": "postgresql://a@b/c"}


def test_what_is_not_set_has_its_default() -> None:
    settings = LampSettings.load(GOOD)
    assert (settings.lamp_count, settings.log_level, settings.grace_seconds) == (1, "info", 30.0)


def test_all_bad_settings_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        LampSettings.load({"RUNHOOK_LAMP_COUNT": "0", "RUNHOOK_LOG_LEVEL": "loud", "RUNHOOK_LAMP_CUONT": "2"})
    names = [problem.split(":")[0] for problem in caught.value.problems]
    assert sorted(names) == ["RUNHOOK_DATABASE_URL", "RUNHOOK_LAMP_COUNT", "RUNHOOK_LAMP_CUONT", "RUNHOOK_LOG_LEVEL"]


def test_a_typing_error_is_answered_with_what_was_meant() -> None:
    with pytest.raises(SettingsError, match="did you mean RUNHOOK_DATABASE_POOL_SIZE"):
        LampSettings.load({**GOOD, "RUNHOOK_DATABASE_POOLSIZE": "3"})


def test_settings_of_other_processes_are_none_of_ours() -> None:
    LampSettings.load(
        {**GOOD, "RUNHOOK_DELIVERY_SLOTS": "3", "RUNHOOK_GATEWAY_ADDRESS": "x", "RUNHOOK_PUBLIC_URL": "x"}
    )


def test_gateway_and_runner_may_share_the_services_environment() -> None:
    Settings.load({**GOOD, "RUNHOOK_KEY_RING_FILE": "key-ring", "RUNHOOK_OPERATOR_ACCOUNT_ID": "1"})
