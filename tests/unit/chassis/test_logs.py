"""What the log says of a failure: the traceback in plain text, in both styles, from our loggers and from libraries'."""

import subprocess
import sys

import pytest

FAILING = """
import logging, sys
from chassis import logs
logs.configure(level="info", style=sys.argv[1], process="gateway", pod="pod-1")

def fail(password):
    raise ValueError("it broke")

for logger in (logs.get_logger(), logging.getLogger("a.library")):
    try:
        fail("a-very-" + "secret-password")
    except ValueError:
        logger.exception("seen")
"""


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_traceback_is_plain_text_and_shows_no_value_of_a_variable(style: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING, style], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr.count("ValueError: it broke") == 2
    assert done.stderr.count("in fail") == 2
    assert "a-very-secret-password" not in done.stderr
