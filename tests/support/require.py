"""Skips with a named reason, which a run that must have everything turns into failures (RUNHOOK_REQUIRE=all)."""

import os
from typing import NoReturn

import pytest

# Taken out of the environment: it is no setting, and our processes refuse what they do not know. The workers of a
# parallel run, which are started after that, find it under its other name.
ALL = "all" in (os.environ.pop("RUNHOOK_REQUIRE", ""), os.environ.get("TESTS_REQUIRE"))
if ALL:
    os.environ["TESTS_REQUIRE"] = "all"
for word in ("COMPATIBILITY", "COMPATIBILITY_CACHE"):  # for tests/compatibility, in the same way
    if value := os.environ.pop(f"RUNHOOK_{word}", ""):
        os.environ[f"TESTS_{word}"] = value


def missing(what: str) -> NoReturn:
    """End this test: `what` is not on this machine."""
    if ALL:
        pytest.fail(f"RUNHOOK_REQUIRE=all, but there is no {what}")
    pytest.skip(f"no {what} here")
