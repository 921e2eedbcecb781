"""Keeps the newest state of this runner's Jobs, or of their pods, and wakes whoever waits for one.

Guards that nothing is missed: a list, then what happened since; after a broken watch on from the newest version that was
seen (bookmarks keep it young while nothing happens), and a new list where that version is too old (410).
"""

import asyncio
import time
from collections import defaultdict

from chassis.logs import get_logger
from runner.kubernetes.cluster import Cluster, ClusterError, Kind
from runner.kubernetes.template import Document

log = get_logger()
#: A watch that lived this long was a good one: the next is begun without a pause.
GOOD_SECONDS = 2.0


class Watcher:
    """`tick` is one watch, from its beginning to its end or until `stopped`. What it sees is kept by the label `key`, or
    by name if that is empty."""

    def __init__(self, cluster: Cluster, kind: Kind, labels: str, stopped: asyncio.Event, key: str = "") -> None:
        self._cluster = cluster
        self._kind = kind
        self._labels = labels
        self._stopped = stopped
        self._key = key
        self._seen: dict[str, Document] = {}
        self._changed: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._version = ""

    def newest(self, name: str) -> Document | None:
        """The object as it was last seen; None when there is none."""
        return self._seen.get(name)

    def attend(self, name: str, changed: asyncio.Event) -> None:
        """From now on sets the event at every change of that object."""
        self._changed[name].add(changed)

    def leave(self, name: str, changed: asyncio.Event) -> None:
        """No longer."""
        self._changed[name].discard(changed)
        if not self._changed[name]:
            del self._changed[name]

    async def tick(self) -> bool:
        """Lists where that must be, then watches until the server ends it. True where the next may begin at once."""
        watching = asyncio.create_task(self._watch())
        stopping = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return watching.done() and watching.result()
        finally:
            for task in (watching, stopping):
                task.cancel()
            await asyncio.gather(watching, stopping, return_exceptions=True)

    async def _watch(self) -> bool:
        begun = time.monotonic()
        try:
            if not self._version:
                await self._list()
            async for what, seen in self._cluster.watch(self._kind, self._labels, self._version):
                self._version = seen["metadata"]["resourceVersion"]
                if what != "BOOKMARK":
                    self._take(seen, gone=what == "DELETED")
        except ClusterError as error:
            if error.code == 410:
                self._version = ""
                return True
            log.warning("kubernetes.watch_failed", kind=self._kind.__name__, code=error.code, problem=str(error))
            return False
        return time.monotonic() - begun > GOOD_SECONDS

    async def _list(self) -> None:
        found, self._version = await self._cluster.list(self._kind, self._labels)
        gone = self._seen.keys() - {self._name(one) for one in found}
        for one in found:
            self._take(one)
        for name in gone:
            self._take(self._seen[name], gone=True)

    def _take(self, seen: Document, *, gone: bool = False) -> None:
        name = self._name(seen)
        known = self._seen.get(name)
        if not gone:
            self._seen[name] = seen
        elif known is not None and known["metadata"]["uid"] == seen["metadata"]["uid"]:
            del self._seen[name]
        for changed in self._changed.get(name, ()):
            changed.set()

    def _name(self, one: Document) -> str:
        metadata = one["metadata"]
        return str(metadata["labels"].get(self._key, "") if self._key else metadata["name"])
