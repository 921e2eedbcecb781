"""What docs/receiving.md tells people to write and type works, on deliveries of a running platform."""

import asyncio
import hashlib
import hmac
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from runhook import Client
from runhook.messages import Event, JobRun, RunStatus
from tests.support.linux import need_linux
from tests.support.receiver import Receiver, Request
from tests.support.require import missing
from tests.support.service_process import free_port
from tests.support.standalone import Standalone

PAGE = (Path(__file__).parents[2] / "docs" / "receiving.md").read_text()
ACCOUNT = 1
WRONG = "the signature does not match"
ABSENT = "no Authorization header came through"


def block(language: str, holding: str) -> str:
    """The page's only block of a language that holds these words."""
    (found,) = (one for one in re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S) if holding in one)
    return str(found)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """The whole platform, once for this file, with quick retries."""
    need_linux()
    home = tmp_path_factory.mktemp("platform") / "data"
    with Standalone(home, RUNHOOK_DELIVERY_RETRY_DELAYS_SECONDS="0.2,0.2,0.5,1,2") as running:
        yield running


@pytest.fixture
async def client(platform: Standalone) -> AsyncIterator[Client]:
    """The owner of the subscriptions."""
    async with Client(**platform.facts["grpc"], token=platform.facts["token"]) as made:
        yield made


async def subscribe(client: Client, url: str) -> tuple[str, str]:
    """A subscription's id and its secret."""
    kind = "job.run.completed"
    made = await client.subscriptions.create(ACCOUNT, name="Grüße 🙂", client_url=url, event_types=[kind])
    return made.subscription.subscription_id, made.signing_secret


async def publish(client: Client) -> str:
    """The id of a new event."""
    run = JobRun(job_id=7, run_id=70, environment_id=1, project_id=1, run_status=RunStatus.RUN_STATUS_SUCCESS)
    run.run_start_time.GetCurrentTime()
    run.run_finish_time.GetCurrentTime()
    (event_id,) = await client.events.publish([Event(account_id=ACCOUNT, event_type="job.run.completed", job_run=run)])
    return event_id


async def delivered(client: Client) -> tuple[str, Request]:
    """A subscription's secret and a delivery that came to it."""
    async with Receiver(204) as receiver:
        subscription_id, secret = await subscribe(client, receiver.url)
        await publish(client)
        request = await receiver.request(1)
        await client.subscriptions.delete(ACCOUNT, subscription_id)
    return secret, request


class PagesReceiver:
    """A receiver from the page, as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.url = url
        self._process = process

    async def line(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            return (await self._process.stdout.readline()).decode().rstrip("\n")


def program(language: str) -> list[str]:
    """The command that runs the page's receiver in this language from standard input."""
    if language == "python":
        return [sys.executable, "-"]
    node = shutil.which("node")
    if node is None:
        missing("node")
    return [node, "--input-type=module", "-"]


@asynccontextmanager
async def receiver_of_the_page(language: str, port: int, secrets: Sequence[str]) -> AsyncIterator[PagesReceiver]:
    """Runs it on this port with these secrets."""
    code = block(
        "python" if language == "python" else "js", "// receiver.mjs" if language == "node" else "# receiver.py"
    )
    process = await asyncio.create_subprocess_exec(
        *program(language),
        env={**os.environ, "SIGNING_SECRETS": ",".join(secrets)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(code.replace("9000", str(port)).encode())
        process.stdin.close()
        yield PagesReceiver(process, f"http://127.0.0.1:{port}/")
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.parametrize("language", ["python", "node"])
async def test_the_receiver_takes_what_is_genuine_once_and_nothing_else(language: str, client: Client) -> None:
    port = free_port()
    _, secret = await subscribe(client, f"http://127.0.0.1:{port}/")
    async with receiver_of_the_page(language, port, [secret]) as receiver, httpx.AsyncClient() as stranger:
        first = await publish(client)
        assert await receiver.line() == f"job.run.completed {first}"

        body = b'{"eventType":"check","eventId":"twice"}'
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        for shown, status, text in (
            ({}, 401, ABSENT),
            ({"Authorization": "0" * 64}, 401, WRONG),
            ({"Authorization": signature.upper()}, 401, WRONG),
            ({"Authorization": "überall".encode()}, 401, WRONG),
            ({"Authorization": signature}, 200, ""),
            ({"Authorization": signature}, 200, ""),
        ):
            headers: dict[str, Any] = {"Content-Type": "application/json", **shown}
            answer = await stranger.post(receiver.url, content=body, headers=headers)
            assert (answer.status_code, answer.text) == (status, text)
        assert await receiver.line() == "check twice"
        second = await publish(client)
        assert await receiver.line() == f"job.run.completed {second}"


@pytest.mark.parametrize("language", ["python", "node"])
async def test_a_receiver_with_both_secrets_takes_all_that_a_rotation_brings(language: str, client: Client) -> None:
    port = free_port()
    subscription_id, old = await subscribe(client, f"http://127.0.0.1:{port}/")
    new = (await client.subscriptions.rotate_secret(ACCOUNT, subscription_id)).signing_secret
    async with receiver_of_the_page(language, port, [old, new]) as receiver:
        under_way = await publish(client)
        assert (await receiver.line()).endswith(under_way)
        await client.subscriptions.promote_secret(ACCOUNT, subscription_id)
        promoted = await publish(client)
        assert (await receiver.line()).endswith(promoted)


async def test_authorization_changes_over_when_the_new_secret_is_promoted(client: Client) -> None:
    async with Receiver(204) as receiver:
        subscription_id, old = await subscribe(client, receiver.url)
        new = (await client.subscriptions.rotate_secret(ACCOUNT, subscription_id)).signing_secret
        await publish(client)
        under_way = await receiver.request(1)
        await client.subscriptions.promote_secret(ACCOUNT, subscription_id)
        await publish(client)
        promoted = await receiver.request(2)
    assert under_way.headers["authorization"] == signed(old, under_way.body)
    assert under_way.headers["webhook-signature"].count("v1,") == 2
    assert promoted.headers["authorization"] == signed(new, promoted.body)
    assert promoted.headers["webhook-signature"].count("v1,") == 1


def signed(secret: str, body: bytes) -> str:
    """The signature that the page describes."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def test_a_delivery_has_the_headers_and_keys_that_the_page_shows(client: Client) -> None:
    _, request = await delivered(client)
    head, _, body = block("http", "POST /hook").partition("\n\n")
    shown = [line.partition(":")[0] for line in head.splitlines()[1:]]
    assert [line.decode().partition(":")[0] for line in request.header_lines] == shown
    assert keys(body) == keys(request.body.decode())


def keys(body: str) -> list[str]:
    """All keys in their order."""
    return re.findall(r'"(\w+)":', body)


async def test_the_check_of_the_package_passes_what_is_genuine(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, request = await delivered(client)
    code = block("python", "from runhook.verify")
    headers = {"Authorization": request.headers["authorization"], **request.headers}
    exec(code, {"secret": secret, "body": request.body, "headers": headers})
    assert capsys.readouterr().out == ""
    exec(code, {"secret": secret, "body": request.body + b" ", "headers": headers})
    assert capsys.readouterr().out.startswith("401 ")


@pytest.mark.parametrize("library", ["standardwebhooks", "svix"])
async def test_a_standard_webhooks_library_passes_what_is_genuine(library: str, client: Client) -> None:
    secret, request = await delivered(client)
    code = block("python", "Webhook(").replace("standardwebhooks.", f"{library}.")
    variables: dict[str, Any] = {"secret": secret, "body": request.body, "headers": request.headers}
    exec(code, variables)
    assert variables["event"]["eventId"] == request.headers["webhook-id"]
    with pytest.raises(Exception, match="signature"):
        exec(code, {**variables, "body": request.body + b" "})


@pytest.mark.parametrize(("secret", "said"), [("right", "200"), ("wrong", WRONG)])
async def test_the_check_with_curl_tells_whether_the_header_gets_through(secret: str, said: str) -> None:
    if shutil.which("curl") is None or shutil.which("openssl") is None:
        missing("curl and openssl")
    port = free_port()
    async with receiver_of_the_page("python", port, ["right"]) as receiver:
        check = block("sh", "openssl").replace("curl ", "curl --retry 20 --retry-connrefused --retry-delay 1 ")
        ran = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-euo", "pipefail", "-c", check],
            env={**os.environ, "SECRET": secret, "URL": receiver.url},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert said in ran.stdout, ran.stderr
