"""Calls over HTTP while pods of trigger_svc are killed and stopped: 204 means stored, and the others wait for nobody."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.settings import GatewaySettings
from tests.support.calling import post
from tests.support.gateway import Gateway, gateway, sample
from tests.support.postgres import Database
from tests.support.service_process import free_port, running
from tests.support.trigger import Pod, eventually, pod
from tests.support.trigger_service import CREDENTIAL, secret_files
from tests.support.window_oracle import broken_invariants

BROKEN = "runhook_gateway_call_streams_broken_total"


class Callers:
    """So many that call again and again; what each was told, and how long the slowest waited."""

    def __init__(self, call: Gateway, token: str, number: int) -> None:
        self.told: Counter[int] = Counter()
        self.accepted: set[str] = set()
        self.seconds: list[float] = []
        self._stopped = False
        self._tasks = [asyncio.create_task(self._call(call, f"/t/{token}")) for _ in range(number)]

    async def have(self, status: int, count: int) -> None:
        """Returns when so many were told this status."""
        async with asyncio.timeout(30):
            while self.told[status] < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Returns when each has the answer to its last call."""
        self._stopped = True
        await asyncio.gather(*self._tasks)

    async def _call(self, call: Gateway, path: str) -> None:
        while not self._stopped:
            started = time.monotonic()
            answer: Any = await post(call, b"{}", path)
            self.seconds.append(time.monotonic() - started)
            self.told[answer.status] += 1
            if answer.status == 204:
                self.accepted.add(answer.headers["X-Call-Id"])
            else:
                assert int(answer.headers["Retry-After"]) >= 1
                await asyncio.sleep(0.05)


def settings_of(database: Database, directory: Path) -> dict[str, Any]:
    """A pod of trigger_svc."""
    return secret_files(directory) | {
        "DATABASE_URL": database.trigger_url,
        "GRPC_ADDRESS": f"127.0.0.1:{free_port()}",
        "DELIVERY_SVC": "127.0.0.1:1",
        "LOG_LEVEL": "error",
    }


@asynccontextmanager
async def before(*pods: dict[str, Any]) -> AsyncIterator[Gateway]:
    """A gateway before these."""
    target = "ipv4:" + ",".join(str(one["GRPC_ADDRESS"]) for one in pods)
    async with gateway(trigger_svc=target, credential=CREDENTIAL, gateway_call_seconds=3) as call:
        yield call


async def test_after_kill_9_under_load_every_204_is_stored_and_all_others_are_503(
    database: Database, tmp_path: Path
) -> None:
    settings = settings_of(database, tmp_path)
    async with pod(database) as one, running("trigger_svc", settings) as service, before(settings) as call:
        _, token = await one.trigger(threshold=100, duration_seconds=600.0)
        broken = sample(BROKEN, {})
        callers = Callers(call, token, 16)
        for _ in range(3):
            await callers.have(204, callers.told[204] + 200)
            await service.kill()
            await callers.have(503, callers.told[503] + 16)
            await service.start()
        await callers.have(204, callers.told[204] + 100)
        await callers.stop()
        assert callers.told.keys() == {204, 503}
        assert sample(BROKEN, {}) > broken
        await _all_is_well(one, callers, unknown=3 * 16)


async def test_a_stopped_pod_delays_its_own_calls_alone(database: Database, tmp_path: Path) -> None:
    # All of them may lead to one pod for their first seconds: those that are opened before the other one is reached.
    most = 16 * int(GatewaySettings.model_fields["gateway_call_streams"].default)
    first, second = settings_of(database, tmp_path), settings_of(database, tmp_path)
    async with (
        pod(database) as one,
        running("trigger_svc", first),
        running("trigger_svc", second) as stopping,
        before(first, second) as call,
    ):
        _, token = await one.trigger(threshold=100, duration_seconds=600.0)
        callers = Callers(call, token, 16)
        await callers.have(204, 200)
        stopping.signal(signal.SIGSTOP)
        callers.seconds.clear()
        slow = 0
        try:
            await asyncio.sleep(1.5)  # those that were under way there wait; the others have found the other pod
            callers.seconds.clear()
            reached = callers.told[204]
            await callers.have(204, reached + 300)
            slow = len([seconds for seconds in callers.seconds if seconds > 1.0])
        finally:
            stopping.signal(signal.SIGCONT)
        await callers.stop()
        assert slow <= most, "each of its streams took one message of all callers, and no second one"
        assert callers.told[503] <= most
        await _all_is_well(one, callers, unknown=most)


async def _all_is_well(one: Pod, callers: Callers, *, unknown: int) -> None:
    """Soon: a pod that goes on, or died just now, may have a flush under way."""

    async def holds() -> bool:
        return await broken_invariants(one.pool, callers.accepted, unknown=unknown) == []

    await eventually(holds, seconds=15)
