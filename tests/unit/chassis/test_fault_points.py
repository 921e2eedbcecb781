"""Fault points: absent unless armed, refused in production, and each strikes once, at the time that was asked for."""

from collections.abc import Iterator

import asyncpg
import pytest

from chassis import fault_points
from chassis.settings import ServiceSettings, SettingsError

POINT = fault_points.AFTER_POST_BEFORE_RECORD
GOOD = {"RUNHOOK_DATABASE_URL": "postgresql://a@b/c"}


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    fault_points.arm("")


async def act() -> str:
    return "done"


def test_what_is_not_armed_is_not_there() -> None:
    fault_points.arm(f"{fault_points.AFTER_CLAIM_BEFORE_DISPATCH}:die")
    assert fault_points.around(act, before=POINT) is act


async def test_a_point_strikes_once_and_at_its_time() -> None:
    fault_points.arm(f"{POINT}:lose_connection:2")
    struck = fault_points.around(act, after=POINT)
    assert await struck() == "done"
    with pytest.raises(asyncpg.PostgresConnectionError):
        await struck()
    assert await struck() == "done"


@pytest.mark.parametrize("environment", [{}, {"RUNHOOK_ENVIRONMENT": "production"}])
def test_production_refuses_fault_points(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="RUNHOOK_FAULT_POINTS: makes this process fail on purpose"):
        ServiceSettings.load({**GOOD, **environment, "RUNHOOK_FAULT_POINTS": f"{POINT}:die"})


def test_development_takes_them() -> None:
    told = {"RUNHOOK_ENVIRONMENT": "development", "RUNHOOK_FAULT_POINTS": f"{POINT}:die:3,{POINT}:pause"}
    assert ServiceSettings.load({**GOOD, **told}).fault_points


@pytest.mark.parametrize("text", ["nowhere:die", f"{POINT}:dance", f"{POINT}:die:0", f"{POINT}:die:often", POINT])
def test_what_no_point_knows_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="RUNHOOK_FAULT_POINTS: "):
        ServiceSettings.load({**GOOD, "RUNHOOK_ENVIRONMENT": "development", "RUNHOOK_FAULT_POINTS": text})
