"""`runhook listen` as a process of its own, with the whole platform and with platforms that fail it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.cli.conftest import Runhook
from tests.support.receiver import Peer, Receiver, Request, answer
from tests.support.standalone import Standalone

ROOT = Path(__file__).parents[3]
EVENT = ROOT / "examples" / "payloads" / "job.run.completed.json"
SECRET = "0123456789abcdef0123456789abcdef01234567"


class Listening:
    """The process; `url` is where it listens."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.url = self.told("listening on ").split()[3].rstrip(";")

    def told(self, text: str) -> str:
        """The next line of stderr that holds the text."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if text in line:
                return line
        raise AssertionError(f"it ended without a word of {text!r}")

    def line(self) -> str:
        """The next line of stdout."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal, and its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@contextmanager
def listening(*arguments: str, **variables: str) -> Iterator[Listening]:
    """Run it on a free port."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNHOOK_")}
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "listen", "--port", "0", *arguments],
        cwd=ROOT,
        env=environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Listening(process)
        finally:
            process.kill()


async def names(runhook: Runhook) -> list[str]:
    """What the platform's subscriptions are called."""
    return [one["name"] for one in json.loads((await runhook("subscriptions", "list", "--json")).out)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_its_subscription_lives_as_long_as_it_does(
    number: signal.Signals, beside: Runhook, standalone: Standalone
) -> None:
    with listening("--subscribe", "--event-type", "job.run.completed", DATA_DIR=str(standalone.data_dir)) as process:
        process.told("subscribed as wsu_")
        assert any(name.startswith("runhook listen on ") for name in await names(beside))
        assert (await beside("events", "publish", str(EVENT))).code == 0
        test, event = process.line(), process.line()
        assert test.endswith("Authorization valid  webhook-signature valid  (the test)")
        assert event.endswith("Authorization valid  webhook-signature valid")
        assert process.end(number) == 0
    assert not any(name.startswith("runhook listen on ") for name in await names(beside))


async def test_scripts_count_what_they_published(beside: Runhook, standalone: Standalone) -> None:
    with listening("--subscribe", "--json", "--count", "1", DATA_DIR=str(standalone.data_dir)) as process:
        process.told("subscribed as wsu_")
        published = json.loads((await beside("events", "publish", str(EVENT), "--json")).out)
        test, event = json.loads(process.line()), json.loads(process.line())
        assert process.process.wait(timeout=30) == 0
    assert (test["test"], event["test"], event["event_id"]) == (True, False, published["eventIds"][0])
    assert {event["authorization"], event["standard_webhooks"]} == {"valid"}
    assert json.loads(event["body"])["eventId"] == event["event_id"]


def test_without_a_secret_it_shows_what_comes(tmp_path: Path) -> None:
    with listening("--print-body", "--answer", "503", "--count", "2") as process:
        for sent in (b'{"eventType": "job.run.started"}', b"\x1b[2J"):
            assert httpx.post(process.url, content=sent, trust_env=False).status_code == 503
        first, body, second, garbage = (process.line() for _ in range(4))
        assert process.process.wait(timeout=30) == 0
    assert "job.run.started" in first
    assert "Authorization not checked  webhook-signature not checked" in second
    assert (body, garbage) == ('  {"eventType": "job.run.started"}', r"  \x1b[2J")


@pytest.mark.parametrize("how", ["option", "file", "variable"])
def test_a_signature_that_does_not_hold_is_its_exit_code(how: str, tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text(f"{SECRET}\n")
    arguments = {"option": ["--secret", SECRET], "file": ["--secret-file", str(tmp_path / "secrets")]}.get(how, [])
    variables = {"RUNHOOK_SIGNING_SECRET": SECRET} if how == "variable" else {}
    with listening(*arguments, **variables) as process:
        assert httpx.post(process.url, content=b"{}", trust_env=False).status_code == 200
        assert "Authorization INVALID  webhook-signature INVALID" in process.line()
        assert process.end() == 1


@pytest.mark.parametrize("arguments", [["--secret", "whsec_%%%"], ["--secret", ""], ["--secret-file", "nowhere"]])
async def test_what_can_be_no_secret_is_refused(arguments: list[str], runhook: Runhook) -> None:
    ran = await runhook("listen", "--port", "0", *arguments)
    assert (ran.code, ran.out) == (2, "")


async def test_a_port_that_is_taken_is_told(runhook: Runhook) -> None:
    async with Receiver(200) as other:
        ran = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "cli", "listen", "--port", str(other.port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.endswith("Address already in use: choose another --port\n")


def says(status: int, data: Any) -> bytes:
    return answer(status, json.dumps({"data": data, "status": {"code": status}}).encode())


MADE = says(201, {"id": "wsu_1", "hmac_secret": SECRET})
DELETED = says(200, {"id": "wsu_1"})
OF_ANOTHER_MACHINE = says(200, {"verification_error": None, "verification_status_code": "200"})
FORBIDDEN = says(200, {"verification_error": "The address is not allowed.", "verification_status_code": "0"})


def environment(peer: Receiver) -> Mapping[str, str]:
    url = peer.url.removesuffix("/hook")
    return {"RUNHOOK_URL": url, "RUNHOOK_TOKEN": "x", "RUNHOOK_ACCOUNT": "1"}


@pytest.mark.parametrize(
    ("test", "code", "said"),
    [
        (FORBIDDEN, 6, "The address is not allowed."),
        (OF_ANOTHER_MACHINE, 6, "it was delivered, but to another machine"),
        (answer(503, b"<html>"), 5, "answers 503: the platform is away"),
    ],
)
async def test_a_subscription_that_reaches_nobody_is_deleted_and_told_of(test: bytes, code: int, said: str) -> None:
    async with Receiver(MADE, test, DELETED) as peer:
        with listening("--subscribe", **environment(peer)) as process:
            assert await asyncio.to_thread(process.told, said)
            assert await asyncio.to_thread(process.process.wait, 30) == code
    assert [request.method for request in peer.requests] == ["POST", "GET", "DELETE"]


async def test_a_signal_while_the_test_is_under_way_still_deletes_it() -> None:
    async def end(peer: Peer, request: Request) -> None:
        process.process.send_signal(signal.SIGTERM)
        await peer.send(OF_ANOTHER_MACHINE)

    async with Receiver(MADE, end, DELETED) as peer:
        with listening("--subscribe", **environment(peer)) as process:
            assert await asyncio.to_thread(process.process.wait, 30) == 6
    assert peer.requests[-1].method == "DELETE"


async def test_a_subscription_that_cannot_be_deleted_is_named() -> None:
    async with Receiver(MADE, FORBIDDEN, answer(500, b"{}")) as peer:
        with listening("--subscribe", **environment(peer)) as process:
            assert await asyncio.to_thread(process.told, "delete it later: runhook subscriptions delete wsu_1")
            assert await asyncio.to_thread(process.process.wait, 30) == 5
