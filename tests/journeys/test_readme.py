"""What the README tells a newcomer to type works, on the platform that `make run` starts."""

import hashlib
import hmac
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.linux import need_linux
from tests.support.require import missing
from tests.support.service_process import free_port
from tests.support.standalone import Standalone

ROOT = Path(__file__).parents[2]


def blocks(language: str) -> list[str]:
    """The README's fenced blocks of a language."""
    text = (ROOT / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Standalone]:
    need_linux()
    if shutil.which("curl") is None or "--json" not in subprocess.check_output(["curl", "--help", "all"], text=True):
        missing("curl 7.82 or later")
    with Standalone(tmp_path / "data") as running:
        yield running


def test_every_command_of_the_readme_works(platform: Standalone) -> None:
    receiver_port = free_port()

    def told(block: str) -> str:
        """The block for this platform instead of the one at the usual port and place."""
        block = block.replace("http://127.0.0.1:8080", platform.facts["gateway_url"])
        return block.replace(".runhook/", f"{platform.data_dir}/").replace("9000", str(receiver_port))

    receiver_code, publisher_code = blocks("python")
    receiver = subprocess.Popen(
        [sys.executable, "-c", told(receiver_code)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        said = run(["bash", "-euo", "pipefail", "-c", told("".join(blocks("sh")))])
        # The answers end without a line break.
        subscription, published, *_ = said.replace("}{", "}\n{").splitlines()
        secret = json.loads(subscription)["data"]["hmac_secret"]
        of_the_event, of_the_run = (delivery(receiver, secret) for _ in range(2))
        assert [of_the_event["eventId"]] == json.loads(published)["eventIds"]
        assert of_the_run["data"]["runReason"] == "Triggered by webhook orders"
        run([sys.executable, "-c", told(publisher_code)])
        assert delivery(receiver, secret)["data"]["jobId"] == "7"
    finally:
        receiver.kill()
        receiver.communicate()


def run(command: list[str]) -> str:
    """What it prints; it must succeed and complain of nothing."""
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    return ran.stdout


def delivery(receiver: "subprocess.Popen[str]", secret: str) -> dict[str, Any]:
    """The next delivery that the receiver prints; its signature must hold."""
    assert receiver.stdout is not None
    signature, _, body = receiver.stdout.readline().rstrip("\n").partition(" ")
    assert signature == hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    event: dict[str, Any] = json.loads(body)
    return event
