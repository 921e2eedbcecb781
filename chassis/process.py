"""One process's life: settings, logs, metrics port, signals, then work until SIGTERM, then a drain that loses nothing.

Two steps down. `draining` is set by SIGTERM or SIGINT: health says NOT_SERVING, nothing new is taken, what is in hand is
finished within the grace period while the loops still run. Then `stopped` is set and the loops end.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Protocol, TypeVar

import uvloop
from prometheus_client import Gauge

from chassis import fault_points, logs, telemetry, tracing
from chassis.lag import watching_lag
from chassis.loop import Loop
from chassis.metrics import serve_metrics
from chassis.settings import Settings, SettingsError

S = TypeVar("S", bound=Settings)
READY = Gauge("runhook_process_ready", "1 while the process is started and not draining, as /healthz says.")


class Door(Protocol):
    """What takes work in: a gRPC server, an HTTP server, an acquirer."""

    async def open(self) -> None:
        """Begins to take work in."""

    async def close(self, grace: float) -> None:
        """Takes nothing more, and returns when what was taken is answered or `grace` seconds are over."""


class Process:
    """The life of this process, shared by its rooms."""

    def __init__(self, name: str, grace: float) -> None:
        self.name = name
        self.grace = grace
        self.draining = asyncio.Event()
        self.stopped = asyncio.Event()
        self.ready = False
        self.started = False

    async def serve(
        self, *, doors: Sequence[Door], loops: Sequence[Loop] = (), drain: Sequence[Callable[[], Awaitable[None]]] = ()
    ) -> None:
        """Opens the doors, runs the loops until a signal comes, then closes doors, drains in order, ends the loops."""
        for door in doors:  # outside of the group: a taken port stays one plain error
            await door.open()
        async with watching_lag(), asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(loop.run(self.stopped), name=loop.name)
            self.started = True
            _spare_the_collector()
            self._set_ready(True)
            logs.get_logger().info("process.ready")
            await self.draining.wait()
            self._set_ready(False)
            logs.get_logger().info("process.draining")
            await self._drain(doors, drain)
            self.stopped.set()
            for loop in loops:
                loop.wake()
        logs.get_logger().info("process.stopped")

    async def _drain(self, doors: Sequence[Door], drain: Sequence[Callable[[], Awaitable[None]]]) -> None:
        try:
            async with asyncio.timeout(self.grace):
                for door in doors:
                    await door.close(self.grace)
                for step in drain:
                    await step()
        except TimeoutError:
            logs.get_logger().warning("process.grace_over", grace_seconds=self.grace)

    def _set_ready(self, ready: bool) -> None:
        self.ready = ready
        READY.set(1 if ready else 0)


def run(name: str, settings_class: type[S], work: Callable[[S, Process, AsyncExitStack], Awaitable[None]]) -> None:
    """Runs a process from start to exit: 0 after a drain, 1 after a failure, 2 with one line per bad setting.

    `work` builds the process's rooms (what must be closed goes on the stack) and ends with `process.serve(...)`.
    """
    try:
        settings = settings_class.load()
        logs.configure(level=settings.log_level, style=settings.log_format, process=name, pod=settings.pod_name)
        fault_points.arm(settings.fault_points)
        telemetry.configure(settings, name, os.environ)
        uvloop.run(_live(name, settings, work))
    except SettingsError as error:
        sys.stderr.write("".join(f"{name}: {problem}\n" for problem in error.problems))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        logs.get_logger().error("process.failed", error=repr(error), exc_info=True)
        sys.stderr.write(f"{name}: {error}\n")
        sys.exit(1)
    finally:
        tracing.close()


def _spare_the_collector() -> None:
    """What was made until now stays, and the hot paths make no cycles: looking for them took 5 % of a busy process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


async def _live(name: str, settings: S, work: Callable[[S, Process, AsyncExitStack], Awaitable[None]]) -> None:
    process = Process(name, settings.grace_seconds)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.draining.set)
    try:
        metrics = serve_metrics(settings.metrics_address, lambda: process.ready)
    except OSError as error:
        problem = f"RUNHOOK_METRICS_ADDRESS: cannot listen on {settings.metrics_address}: {error.strerror}"
        raise SettingsError([problem]) from error
    async with AsyncExitStack() as stack:
        stack.callback(metrics.server_close)
        stack.callback(metrics.shutdown)
        working = asyncio.ensure_future(work(settings, process, stack))
        stop = asyncio.ensure_future(process.draining.wait())
        await asyncio.wait([working, stop], return_when=asyncio.FIRST_COMPLETED)
        if not working.done() and not process.started:
            working.cancel()  # a signal while it still starts: there is nothing to drain
        stop.cancel()
        try:
            await working
        except asyncio.CancelledError:
            if not process.draining.is_set():
                raise
