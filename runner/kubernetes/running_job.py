"""One run under way in a cluster: an executor.StartedRun.

Guards that the pod's own word on how its command ended is waited for and its log is read to the end, each for a bounded
time, and that a stopped or overdue run is told so by deleting its Job.
"""

import asyncio
import time
from contextlib import suppress

from chassis.logs import get_logger
from runner.ending import Ending, How
from runner.executor import Left, Output
from runner.held import HeldRun
from runner.kubernetes import parcel
from runner.kubernetes.cluster import Cluster, ClusterError
from runner.kubernetes.job_object import HAND_OVER
from runner.kubernetes.log_reader import LogReader
from runner.kubernetes.state import State, look
from runner.kubernetes.template import Document, command_of
from runner.kubernetes.watcher import Watcher

log = get_logger()
#: How long a Job may say that it ended before its pod does.
DOUBT_SECONDS = 5.0
#: How long the rest of a log, or a parcel, may take after the command has ended.
REST_SECONDS = 30.0
#: A pod that is told to stop has its own grace; beyond it, this.
STOPPING_SECONDS = 15.0


class RunningJob:
    """`made` is the Job as the cluster made it."""

    def __init__(
        self,
        cluster: Cluster,
        made: Document,
        held: HeldRun,
        output: Output,
        *,
        watching: tuple[Watcher, Watcher],
        start_seconds: float,
        has_artifacts: bool,
    ) -> None:
        self._cluster = cluster
        self._made = made
        self._name: str = made["metadata"]["name"]
        self._held = held
        self._jobs, self._pods = watching
        self._output = output
        self._start_seconds = start_seconds
        self._has_artifacts = has_artifacts
        self._changed = asyncio.Event()
        self._seen = False
        self._pod_name = ""
        self._ran = False

    async def wait(self, seconds: float) -> Ending:
        """Sees the Job through. What its command printed has been written when this returns."""
        for watcher in (self._jobs, self._pods):
            watcher.attend(self._name, self._changed)
        reading = asyncio.create_task(self._read_log())
        try:
            ending, by_itself = await self._see_through(seconds)
            if not by_itself:
                await self._stop()
            await asyncio.wait({reading}, timeout=REST_SECONDS if self._ran else 0)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            for watcher in (self._jobs, self._pods):
                watcher.leave(self._name, self._changed)
        return ending

    async def artifacts(self) -> Left:
        """What the sidecar hands over."""
        if not self._has_artifacts or not self._ran:
            return Left()
        try:
            async with asyncio.timeout(REST_SECONDS):
                text = await self._parcel()
            artifacts, left_out = await asyncio.to_thread(parcel.unpack, text)
        except TimeoutError:
            return Left(left_out=("the artifacts did not come out of the pod in time",))
        except (ClusterError, ValueError) as error:
            return Left(left_out=(str(error),))
        return Left(artifacts=artifacts, left_out=left_out)

    async def _see_through(self, seconds: float) -> tuple[Ending, bool]:
        """How it ended, and whether by itself."""
        begun = time.monotonic()
        doubted_at: float | None = None
        while True:
            self._changed.clear()
            state = self._look()
            now = time.monotonic()
            if state.ending is not None and not state.doubtful:
                return state.ending, state.ending.how is not How.TIMED_OUT
            if state.ending is not None:
                doubted_at = doubted_at or now
                if now >= doubted_at + DOUBT_SECONDS:
                    return state.ending, True
            if self._held.stop.is_set():
                return Ending(how=How.STOPPED), False
            if now >= begun + seconds:
                return Ending(how=How.TIMED_OUT), False
            overdue = now >= begun + self._start_seconds
            if not self._ran and state.problem and (state.hopeless or overdue):
                waited = "" if state.hopeless else f" (waited {self._start_seconds:g} s)"
                return Ending(how=How.NOT_STARTED, problem=state.problem + waited), False
            ends = [begun + seconds] + ([] if self._ran else [begun + self._start_seconds])
            ends += [] if doubted_at is None else [doubted_at + DOUBT_SECONDS]
            await self._sleep(min(one for one in ends if one > now) - now)

    def _look(self) -> State:
        job, pod = self._jobs.newest(self._name), self._pods.newest(self._name)
        self._seen = self._seen or job is not None
        if pod is not None:
            self._pod_name = pod["metadata"]["name"]
        state = look(job if self._seen else self._made, pod)
        exited = state.ending is not None and state.ending.how is How.EXITED and pod is not None
        self._ran = self._ran or state.running or exited
        return state

    async def _sleep(self, seconds: float) -> None:
        """Until something changes, the run is to stop, or the time is over."""
        waiting = {asyncio.create_task(event.wait()) for event in (self._changed, self._held.stop)}
        try:
            await asyncio.wait(waiting, timeout=seconds + 0.01, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    async def _stop(self) -> None:
        """Has the cluster stop the pod, and waits until it is gone: SIGTERM, then SIGKILL after the pod's grace."""
        with suppress(ClusterError):  # leaving deletes it more insistently
            await self._cluster.delete_job(self._name)
        grace = self._made["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30)
        with suppress(TimeoutError):
            async with asyncio.timeout(grace + STOPPING_SECONDS):
                while self._pods.newest(self._name) is not None:
                    self._changed.clear()
                    await self._changed.wait()

    async def _read_log(self) -> None:
        changed = asyncio.Event()
        self._pods.attend(self._name, changed)
        try:
            self._look()
            while not self._ran:
                await changed.wait()
                changed.clear()
                self._look()
            container = command_of(self._made)["name"]
            await LogReader(self._cluster, self._pod_name, container).read(self._output, over=self._is_over)
        finally:
            self._pods.leave(self._name, changed)

    def _is_over(self) -> bool:
        """Whether the command prints no more."""
        pod = self._pods.newest(self._name)
        return pod is None or look(self._made, pod).ending is not None

    async def _parcel(self) -> bytes:
        text = bytearray()
        while not parcel.is_whole(bytes(text[-200:])):
            text.clear()
            async for data in self._cluster.log(self._pod_name, HAND_OVER, follow=True):
                text += data
                if len(text) > parcel.LONGEST_TEXT:
                    raise ValueError("the artifacts are too large")
                if parcel.is_whole(bytes(text[-200:])):
                    break
            if not parcel.is_whole(bytes(text[-200:])):
                await asyncio.sleep(0.5)
        return bytes(text)
