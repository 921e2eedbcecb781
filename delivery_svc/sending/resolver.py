"""From a host to its addresses: the system's resolver, in threads of its own.

Invariant: a name server that hangs holds up at most the lookups behind it, never the event loop and never the
process's other threads; one host occupies one thread, however many deliveries wait for it.
"""

import asyncio
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address

from delivery_svc.sending.address import Address, literal_address


class ResolutionError(Exception):
    """A host that leads nowhere; its text is a sentence for people."""


class _Lookup:
    """One question on its way to the system's resolver, and how many wait for the answer."""

    __slots__ = ("answer", "thread_future", "waiters")

    def __init__(self, thread_future: "Future[tuple[Address, ...]]") -> None:
        self.thread_future = thread_future
        self.answer = asyncio.wrap_future(thread_future)
        self.waiters = 0


class Resolver:
    """Looks hosts up with getaddrinfo and keeps good answers for a few seconds.

    `threads` bounds the lookups at a time, `keep_seconds` and `keep_hosts` the memory of them.
    """

    def __init__(self, *, threads: int = 8, keep_seconds: float = 5.0, keep_hosts: int = 4096) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._keep_seconds = keep_seconds
        self._keep_hosts = keep_hosts
        self._kept: dict[str, tuple[float, tuple[Address, ...]]] = {}
        self._lookups: dict[str, _Lookup] = {}

    async def resolve(self, host: str) -> tuple[Address, ...]:
        """The host's addresses, in the order in which they should be tried. ResolutionError if there are none."""
        try:
            literal = literal_address(host)
        except ValueError as malformed:
            raise ResolutionError(str(malformed)) from None
        if literal is not None:
            return (literal,)
        kept = self._kept.get(host)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        return await self._look_up(host)

    def close(self) -> None:
        """Give up what waits. A lookup under way ends by itself, in its thread."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, host: str) -> tuple[Address, ...]:
        lookup = self._lookups.get(host)
        if lookup is None:
            lookup = self._lookups[host] = _Lookup(self._executor.submit(_ask_system, host))
            lookup.answer.add_done_callback(partial(self._keep, host, lookup))
        lookup.waiters += 1
        try:
            # Shielded, because others may wait for the same answer when this one's time is up.
            return await asyncio.shield(lookup.answer)
        except OSError:
            raise ResolutionError("The host name could not be resolved.") from None
        finally:
            lookup.waiters -= 1
            # What no thread has begun is not asked in vain; what has begun stays, so that nobody asks it twice.
            if not lookup.waiters and lookup.thread_future.cancel():
                self._forget(host, lookup)

    def _forget(self, host: str, lookup: _Lookup) -> None:
        if self._lookups.get(host) is lookup:
            del self._lookups[host]

    def _keep(self, host: str, lookup: _Lookup, answer: "asyncio.Future[tuple[Address, ...]]") -> None:
        self._forget(host, lookup)
        if answer.cancelled() or answer.exception() is not None:
            return
        self._kept.pop(host, None)
        if len(self._kept) >= self._keep_hosts:
            del self._kept[next(iter(self._kept))]
        self._kept[host] = (time.monotonic() + self._keep_seconds, answer.result())


def _ask_system(host: str) -> tuple[Address, ...]:
    # As bytes: for text, Python would apply its own, older rules for international names first.
    found = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(sockaddr[0]) for *_, sockaddr in found))
