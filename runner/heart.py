"""Keeps the leases of started runs: a beat whenever one is due, sooner after one that failed.

Guards that a run is dead here before it can live elsewhere: what trigger_svc calls lost is killed, and so is a run
whose lease could not be kept for so long that it may be another's soon, whatever the reason (a service away, a runner
that slept).
"""

import time

import grpc

from chassis.logs import get_logger
from runner.client import Client
from runner.crew import Crew
from runner.held import HeldRun

log = get_logger()
TICK_SECONDS = 0.5


class Heart:
    """`tick` is due about every second: it beats when that is due, and kills what is overdue."""

    def __init__(self, client: Client, crew: Crew, *, beat_seconds: float, kill_seconds: float) -> None:
        self._client = client
        self._crew = crew
        self._beat_seconds = beat_seconds
        self._kill_seconds = kill_seconds

    async def tick(self) -> None:
        """Beats if any lease was last kept too long ago."""
        now = time.monotonic()
        started = [held for held in self._crew.held if held.kept_at is not None and not held.lost]
        self._lose_overdue(started, now)
        if any(held.beat_due(now, self._beat_seconds) for held in started):
            await self._beat([held for held in started if not held.lost], now)

    async def _beat(self, started: list[HeldRun], now: float) -> None:
        try:
            lost = await self._client.keep(started)
        except grpc.aio.AioRpcError as error:
            log.warning("heartbeat.failed", code=error.code().name, runs=len(started))
            return
        for held in started:
            if held.kept_at is None:
                continue  # it finished meanwhile
            if held.run_id in lost:
                held.lose()
            else:
                held.kept_at = now

    def _lose_overdue(self, started: list[HeldRun], now: float) -> None:
        for held in started:
            if held.overdue(now, self._kill_seconds):
                log.warning("run.lease_overdue", run=held.run_id)
                held.lose()
