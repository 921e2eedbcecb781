"""One target and how it is called: credentials, deadline, repetition, errors.

Invariant: a call ends by its deadline, all attempts and waits together, and a call that may not be made twice is made once.
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

import grpc

import runhook
from runhook.retry import RetryPolicy, next_delay
from runhook.status import error_of

if TYPE_CHECKING:
    from grpc.aio import UnaryStreamMultiCallable, UnaryUnaryMultiCallable

Request = TypeVar("Request")
Response = TypeVar("Response")


class Piece(Protocol):
    """A message of a stream of bytes."""

    chunk: bytes


AnyPiece = TypeVar("AnyPiece", bound=Piece)

#: Seconds: the deadline of a download is raised to this.
LONGEST_DOWNLOAD = 60.0
LARGEST_MESSAGE = 8 * 1024 * 1024
_OPTIONS = (
    ("grpc.primary_user_agent", f"runhook-python/{runhook.__version__}"),
    # All addresses of a name in turn. Deadlines are given per call: the service config's are broken in gRPC for Python.
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    # Pings find out that the other side is gone, while a call is under way.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How to speak TLS; all of it PEM. Without roots, those that gRPC brings along are trusted."""

    root_certificates: bytes | None = None
    client_certificate: bytes | None = None
    client_key: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("a client certificate and its key go together")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What all calls of a client have in common. `timeout` is in seconds; without `retry` nothing is repeated."""

    metadata: tuple[tuple[str, str], ...] = field(repr=False)
    tls: Tls | None
    timeout: float
    retry: RetryPolicy | None


class Target:
    """Where a service is, connected to at the first call. `address` is None where the client was given none."""

    def __init__(self, address: str | None, service: str, manner: Manner) -> None:
        self.manner = manner
        self._address = address
        self._service = service
        self._channel: grpc.aio.Channel | None = None

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel. ValueError when there is no address."""
        if self._channel is None:
            self._channel = self._open()
        return self._channel

    def _open(self) -> grpc.aio.Channel:
        if self._address is None:
            raise ValueError(f"this client was not told where {self._service} is: Client({self._service}=...)")
        tls = self.manner.tls
        if tls is None:
            return grpc.aio.insecure_channel(self._address, options=_OPTIONS)
        credentials = grpc.ssl_channel_credentials(tls.root_certificates, tls.client_key, tls.client_certificate)
        return grpc.aio.secure_channel(self._address, credentials, options=_OPTIONS)

    async def close(self) -> None:
        """Ends what is under way and closes the channel, if there is one."""
        if self._channel is not None:
            await self._channel.close()


class Connection:
    """Calls to a target, with the client's deadline or with one of its own, in `seconds`."""

    def __init__(self, target: Target, seconds: float | None) -> None:
        self._target = target
        self._seconds = seconds

    @property
    def channel(self) -> grpc.aio.Channel:
        """The target's channel."""
        return self._target.channel

    async def call(
        self,
        method: "UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        *,
        repeatable: bool,
        least: float = 0.0,
    ) -> Response:
        """The answer to one call. RunhookError when it failed for good.

        `least` is what the client's deadline is raised to for a call that takes its time.
        """
        metadata = self._target.manner.metadata
        return await self._try(lambda left: method(request, metadata=metadata, timeout=left), repeatable, least)

    async def download(self, method: "UnaryStreamMultiCallable[Request, AnyPiece]", request: Request) -> bytes:
        """All the chunks of a call that reads, within a minute at least. RunhookError when it failed for good."""
        metadata = self._target.manner.metadata

        async def whole(left: float) -> bytes:
            return b"".join([piece.chunk async for piece in method(request, metadata=metadata, timeout=left)])

        return await self._try(whole, repeatable=True, least=LONGEST_DOWNLOAD)

    async def _try(self, attempt: Callable[[float], Awaitable[Response]], repeatable: bool, least: float) -> Response:
        manner = self._target.manner
        ends = time.monotonic() + (max(manner.timeout, least) if self._seconds is None else self._seconds)
        policy = manner.retry if repeatable else None
        attempts = 0
        while True:
            left = max(ends - time.monotonic(), 0.0)
            try:
                return await attempt(left)
            except grpc.aio.AioRpcError as failed:
                error = error_of(failed)
                attempts += 1
                delay = next_delay(attempts, error, policy, random.random()) if policy is not None else None
                if delay is None or time.monotonic() + delay >= ends:
                    raise error from failed
            await asyncio.sleep(delay)
