"""What docs/client.md tells people to type works, on the platform that `make run` starts."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from runhook import Client, job_run_event
from runhook.events import RunFacts
from runhook.messages import Event
from tests.support.linux import need_linux
from tests.support.receiver import Receiver
from tests.support.require import missing
from tests.support.standalone import Standalone

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "client.md"
COMPLETED: Literal["job.run.completed"] = "job.run.completed"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """The whole platform, once for this file."""
    need_linux()
    with Standalone(tmp_path_factory.mktemp("platform") / "data") as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """What listens where the example's events go."""
    async with Receiver(204) as listening:
        yield listening


def block(heading: str, language: str, platform: Standalone) -> str:
    """The one block of a language below a heading, for this platform instead of the one at the usual place."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?:^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(found).replace(".runhook/", f"{platform.data_dir}/").replace(".venv/bin/", f"{sys.prefix}/bin/")


def run(command: list[str], **environment: str) -> list[str]:
    """The lines that it prints; it must succeed and complain of nothing."""
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    return ran.stdout.splitlines()


async def test_the_example_works(platform: Standalone, receiver: Receiver) -> None:
    code = block("An example", "python", platform).replace("http://127.0.0.1:9000/", receiver.url)
    said = await asyncio.to_thread(run, [sys.executable, "-W", "error", "-c", code])
    secret, tested, published, delivered, *others, refused = said
    assert re.fullmatch(r"the signing secret, shown this once: [0-9a-f]{40}", secret)
    assert tested == "the endpoint answered: 204"
    assert re.fullmatch(r"published: wev_\w{27}", published)
    assert {delivered, *others} == {"delivery: job.run.completed 1 204"}
    assert refused.startswith("refused: NOT_FOUND (")
    assert (await receiver.request(2)).headers["webhook-id"] == published.partition(": ")[2]


async def test_what_was_delivered_is_delivered_again_and_erased(platform: Standalone, receiver: Receiver) -> None:
    async with Client(**platform.facts["grpc"], token=platform.facts["token"]) as client:
        made = await client.subscriptions.create(1, name="again", client_url=receiver.url, event_types=[COMPLETED])
        await client.deliveries.send_test(1, made.subscription.subscription_id)
        [event_id] = await client.events.publish([completed(72)])
        await delivered(client, made.subscription.subscription_id, event_id)
    code = block("Deliver again, and erase", "python", platform)
    said = await asyncio.to_thread(run, [sys.executable, "-W", "error", "-c", code])
    assert said == ["back in the queue: 0 of 0", f"again: {event_id}", "not now: TEST_DELIVERY", "without a body: 1"]
    assert (await receiver.request(3)).headers["webhook-id"] == event_id


def completed(run_id: int) -> Event:
    """A run that succeeded just now."""
    facts: RunFacts = {"job_id": 7, "run_id": run_id, "environment_id": 1, "project_id": 1}
    return job_run_event(COMPLETED, account_id=1, run_status="Success", run_finish_time=datetime.now(UTC), **facts)


async def delivered(client: Client, subscription_id: str, event_id: str) -> None:
    """Returns when it is final. There is no event to await in another process."""
    async with asyncio.timeout(20):
        while True:
            found = [one async for one in client.deliveries.list(1, subscription_id)]
            if any(one.event_id == event_id and one.HasField("finish_time") for one in found):
                return
            await asyncio.sleep(0.05)


async def test_what_is_started_by_hand_runs_and_leaves_log_and_artifact(platform: Standalone) -> None:
    code = block("Run something", "python", platform)
    said = await asyncio.to_thread(run, [sys.executable, "-W", "error", "-c", code])
    assert said == [
        f"its calls go to {platform.facts['public_url']}/t/",
        "it ended: EXECUTION_STATE_SUCCEEDED",
        'its payload: [{"data":"x","type":"text/plain"}]',
        "its log: payload of 34 bytes",
        "artifact: size.txt b'34\\n'",
    ]


async def test_reflection_tells_what_a_service_offers_and_buf_curl_calls_it(platform: Standalone) -> None:
    if not (Path(sys.prefix) / "bin" / "buf").exists():
        missing("buf in the environment of the tests")
    token = platform.facts["token"]
    async with Client(**platform.facts["grpc"], token=token) as client:
        await client.subscriptions.create(
            1, name="for buf", client_url="http://127.0.0.1:9000/", event_types=[COMPLETED]
        )
    said = await asyncio.to_thread(
        run, ["bash", "-euo", "pipefail", "-c", block("Without the client", "sh", platform)], TOKEN=token
    )
    begins = said.index("{")
    assert "runhook.subscription.v1.SubscriptionService/RotateSigningSecret" in said[:begins]
    assert "runhook.subscription.v1.AccountService/CreateServiceToken" in said[:begins]
    assert "for buf" in {one["name"] for one in json.loads("".join(said[begins:]))["subscriptions"]}
