"""The runs in hand: at most as many at work as there are slots, and a way to end them all.

Guards that a stopping runner leaves no run unreported that it can still report: it takes nothing more, lets what it
has finish for most of the grace period, then stops the rest and says so. A run that must wait for a slot is let go
before its 30 s are over; trigger_svc hands it out again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from chassis.logs import get_logger
from runner import metrics
from runner.held import LEASE_SECONDS, HeldRun

log = get_logger()
#: An acquired run must be started within 30 s; what waits longer than this here is better handed out again.
LONGEST_WAIT_SECONDS = 20.0
#: Left of the grace period for reporting the runs that were stopped.
REPORT_SECONDS = 3.0


class Crew:
    """A process.Door: `close` drains. `work` carries out one run and raises nothing but by mistake."""

    def __init__(self, slots: int, work: Callable[[HeldRun], Awaitable[None]], kill_seconds: float) -> None:
        self._slots = slots
        self._work = work
        self._kill_seconds = kill_seconds
        self._room = asyncio.Semaphore(slots)
        self._runs: dict[asyncio.Task[None], HeldRun] = {}
        #: Set when there is news for trigger_svc: a slot became free.
        self.freed = asyncio.Event()
        self.closing = asyncio.Event()
        metrics.SLOTS.set(slots)

    @property
    def free_slots(self) -> int:
        """How many more runs can be taken from now on."""
        return 0 if self.closing.is_set() else max(0, self._slots - len(self._runs))

    @property
    def held(self) -> Iterable[HeldRun]:
        """All runs in hand, started or not."""
        return tuple(self._runs.values())

    def take(self, run_id: int, lease_id: int, lease_seconds: float = LEASE_SECONDS) -> None:
        """Takes an acquired run. One that is in hand already was given up by trigger_svc, so its older self is lost."""
        for older in self.held:
            if older.run_id == run_id:
                older.lose()
        held = HeldRun(run_id=run_id, lease_id=lease_id, lease_seconds=lease_seconds)
        task = asyncio.create_task(self._wait_and_work(held), name=f"run {run_id}")
        self._runs[task] = held
        task.add_done_callback(self._done)
        metrics.HELD_RUNS.set(len(self._runs))

    async def open(self) -> None:
        """There is nothing to open: the acquirer brings the runs."""

    async def close(self, grace: float) -> None:
        """Takes nothing more; returns when every run in hand has ended. Stops those that do not end in time."""
        self.closing.set()
        patience = max(0.0, grace - self._kill_seconds - REPORT_SECONDS)
        if self._runs:
            await asyncio.wait(self._runs, timeout=patience)
        for held in self.held:
            held.stop.set()
        if self._runs:
            log.warning("runs.stopped", runs=[held.run_id for held in self.held])
            await asyncio.wait(self._runs)

    async def _wait_and_work(self, held: HeldRun) -> None:
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await self._room.acquire()
        except TimeoutError:
            log.info("run.let_go", run=held.run_id)
            return
        try:
            if not self.closing.is_set() and not held.lost:
                await self._work(held)
        finally:
            self._room.release()

    def _done(self, task: asyncio.Task[None]) -> None:
        held = self._runs.pop(task)
        metrics.HELD_RUNS.set(len(self._runs))
        self.freed.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("run.broken", run=held.run_id, error=repr(task.exception()), exc_info=task.exception())
