"""trigger_svc as a real process: what it promised survives kill -9, a stop loses nothing, bad settings are named."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import grpc
import pytest

from chassis.channel import open_channel
from runhook.trigger.v1 import trigger_pb2
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceStub
from tests.support.postgres import Database
from tests.support.processes import process
from tests.support.service_process import free_port, running
from tests.support.trigger import Pod, pod
from tests.support.trigger_service import METADATA, secret_files
from tests.support.window_oracle import broken_invariants


async def test_a_window_that_was_open_at_kill_9_closes_on_time_with_every_call_that_was_accepted(
    database: Database, tmp_path: Path
) -> None:
    settings = _settings(database, tmp_path)
    async with pod(database) as one, running("trigger_svc", settings) as service:
        _, token = await one.trigger(threshold=1_000, duration_seconds=4.0)
        async with _sending(settings, token) as sender:
            await sender.has(20)
            await service.kill()
        await service.start()
        lives_at = await one.pool.fetchval("select clock_timestamp()")  # on a busy machine past the deadline
        [window] = await _closed_windows(one)
        late = (window["closed_at"] - max(window["deadline_at"], lives_at)).total_seconds()
        assert (window["close_reason"], window["size"] >= len(sender.acknowledged)) == ("deadline", True)
        assert window["closed_at"] >= window["deadline_at"]
        assert late <= 2.0
        assert await broken_invariants(one.pool, sender.acknowledged, unknown=10) == []


async def test_a_window_whose_deadline_passed_while_nobody_lived_closes_at_the_start(
    database: Database, tmp_path: Path
) -> None:
    settings = _settings(database, tmp_path)
    async with pod(database) as one, running("trigger_svc", settings) as service:
        _, token = await one.trigger(threshold=1_000, duration_seconds=1.0)
        async with _sending(settings, token) as sender:
            await sender.has(1)
            await service.kill()
        await one.pool.fetch("select pg_sleep_until(deadline_at) from trigger.window")
        await service.start()
        async with asyncio.timeout(10):
            [window] = await _closed_windows(one)
        assert window["close_reason"] == "deadline"
        assert await broken_invariants(one.pool, sender.acknowledged, unknown=10) == []


async def test_a_stop_under_load_answers_what_it_took_and_exits_with_0(database: Database, tmp_path: Path) -> None:
    settings = _settings(database, tmp_path)
    async with pod(database) as one, running("trigger_svc", settings) as service:
        _, token = await one.trigger(threshold=7, duration_seconds=60.0)
        async with _sending(settings, token) as sender:
            await sender.has(50)
            assert await service.stop() == 0
        stored = await one.pool.fetchval("select count(*) from trigger.call")
        assert stored == len(sender.acknowledged), "whatever was stored was answered"
        assert await broken_invariants(one.pool, sender.acknowledged) == []


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        (
            {"TRIGGER_LEASE_SECONDS": "soon", "TRIGGER_LEASE": "30", "DATABASE_URL": "mysql://x"},
            [
                "RUNHOOK_TRIGGER_LEASE_SECONDS: ",
                "did you mean RUNHOOK_TRIGGER_LEASE_SECONDS?",
                "RUNHOOK_DATABASE_URL: ",
            ],
        ),
        ({"KEY_RING_FILE": "/nowhere"}, ["RUNHOOK_KEY_RING_FILE"]),
        (
            dict.fromkeys(("TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CA_FILE"), "/nowhere"),
            ["RUNHOOK_TLS_CERT_FILE: cannot read"],
        ),
    ],
)
async def test_a_bad_setting_is_named_and_nothing_starts(
    tmp_path: Path, changes: dict[str, str], problems: list[str]
) -> None:
    nowhere = Database(name="", owner_url="", subscription_url="", delivery_url="", trigger_url="postgresql://nowhere")
    async with process("trigger_svc", _settings(nowhere, tmp_path) | changes) as started:
        errors = await started.errors()
        assert [problem for problem in problems if problem not in errors] == []
        assert "Traceback" not in errors
        assert started.process.returncode == 2


async def test_a_taken_port_ends_it_with_one_line(database: Database, tmp_path: Path) -> None:
    settings = _settings(database, tmp_path)
    async with running("trigger_svc", settings), process("trigger_svc", settings) as second:
        assert f"cannot listen on {settings['GRPC_ADDRESS']}" in await second.errors()
        assert second.process.returncode != 0


def _settings(database: Database, directory: Path) -> dict[str, str]:
    return secret_files(directory) | {
        "DATABASE_URL": database.trigger_url,
        "GRPC_ADDRESS": f"127.0.0.1:{free_port()}",
        "DELIVERY_SVC": f"127.0.0.1:{free_port()}",
        "GRACE_SECONDS": "10",
    }


class Sender:
    """Sends calls, ten at a time, until the stream breaks or ends; `acknowledged` are the ids of the accepted ones."""

    def __init__(self, token: str) -> None:
        self.acknowledged: list[str] = []
        self._call = trigger_pb2.Call(token=token, media_type="text/plain", body=b"a call")
        self._news = asyncio.Condition()

    async def has(self, count: int) -> None:
        """Returns when so many calls were accepted."""
        async with self._news, asyncio.timeout(15):
            await self._news.wait_for(lambda: len(self.acknowledged) >= count)

    async def send(self, channel: grpc.aio.Channel) -> None:
        """What has no answer when the stream is over was not accepted."""
        stream = TriggerServiceStub(channel).ReceiveCalls(metadata=METADATA)
        for number in range(10):
            await stream.write(pb.ReceiveCallsRequest(call_number=number, call=self._call))
        with suppress(grpc.aio.AioRpcError):
            async for message in stream:
                answers = (message, *message.more)
                async with self._news:
                    self.acknowledged += [answer.accepted.call_id for answer in answers]
                    self._news.notify_all()
                # When the service takes no more, there may still be answers to what it took.
                with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                    for answer in answers:
                        await stream.write(pb.ReceiveCallsRequest(call_number=answer.call_number, call=self._call))


@asynccontextmanager
async def _sending(settings: dict[str, str], token: str) -> AsyncIterator[Sender]:
    """A sender at work until the service is gone."""
    sender = Sender(token)
    async with open_channel(settings["GRPC_ADDRESS"]) as channel:
        task = asyncio.create_task(sender.send(channel))
        yield sender
        await asyncio.wait_for(task, 15)


async def _closed_windows(one: Pod) -> list[asyncpg.Record]:
    while True:
        windows = await one.windows()
        if windows and all(window["state"] == "CLOSED" for window in windows):
            return windows
        await asyncio.sleep(0.02)
