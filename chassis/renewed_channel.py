"""A channel whose certificate is renewed under it: new calls go over a new channel, those under way end where they began.

Invariant: a renewal cancels no call. gRPC's own channel credentials never change; servers do the rest, since they end every
connection after a while.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import grpc

from chassis.identity import Identity, Papers

#: Seconds that calls under way have left; servers end the connections that they are on long before.
LONGEST_CALL = 86_400.0


class RenewedChannel(grpc.aio.Channel):
    """Dials anew when the identity has newer papers."""

    def __init__(self, identity: Identity, dial: Callable[[Papers], grpc.aio.Channel]) -> None:
        self._identity = identity
        self._dial = dial
        self._papers = identity.papers
        self._channel = dial(self._papers)
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def newest(self) -> grpc.aio.Channel:
        """Where new calls go."""
        papers = self._identity.papers
        if papers is not self._papers:
            leaving = asyncio.get_running_loop().create_task(_retire(self._channel))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            self._papers, self._channel = papers, self._dial(papers)
        return self._channel

    def unary_unary(self, *about: Any, **more: Any) -> Any:
        return _Method(self, lambda channel: channel.unary_unary(*about, **more))

    def unary_stream(self, *about: Any, **more: Any) -> Any:
        return _Method(self, lambda channel: channel.unary_stream(*about, **more))

    def stream_unary(self, *about: Any, **more: Any) -> Any:
        return _Method(self, lambda channel: channel.stream_unary(*about, **more))

    def stream_stream(self, *about: Any, **more: Any) -> Any:
        return _Method(self, lambda channel: channel.stream_stream(*about, **more))

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self.newest.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self.newest.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self.newest.channel_ready()

    async def close(self, grace: float | None = None) -> None:
        """Ends this channel, and at once what is left of its predecessors."""
        leaving = list(self._leaving)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        await self._channel.close(grace)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Method:
    """One rpc of a stub, called over the channel of the moment."""

    def __init__(self, over: RenewedChannel, bind: Callable[[grpc.aio.Channel], Any]) -> None:
        self._over = over
        self._bind = bind
        self._channel: grpc.aio.Channel | None = None
        self._bound: Any = None

    def __call__(self, *about: Any, **more: Any) -> Any:
        channel = self._over.newest
        if channel is not self._channel:
            self._channel, self._bound = channel, self._bind(channel)
        return self._bound(*about, **more)


async def _retire(channel: grpc.aio.Channel) -> None:
    """Closes a channel when its last call has ended, or when nobody waits for that any more."""
    try:
        await channel.close(LONGEST_CALL)
    except asyncio.CancelledError:
        await channel.close()
        raise
