"""Skips with a named reason, which a run that must have everything turns into failures (RUNHOOK_REQUIRE=all)."""

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """End this test: `what` is not on this machine."""
    if os.environ.get("RUNHOOK_REQUIRE") == "all":
        pytest.fail(f"RUNHOOK_REQUIRE=all, but there is no {what}")
    pytest.skip(f"no {what} here")
