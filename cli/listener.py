"""The life of `runhook listen`: receive, tell, end when told.

Invariant: a subscription that was made for its lifetime is deleted at the end of it, whichever signal ends it.
"""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import click

from cli.api import Api
from cli.arrival import Arrival, arrival
from cli.printer import may_colour, note
from cli.receiver import Receiver
from cli.trouble import ExitCode, Trouble
from cli.webhooks import make, remove, send_test


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How to listen. `count` None: until told to end."""

    port: int
    answer: int
    count: int | None
    as_json: bool
    with_body: bool
    secrets: Sequence[str] = field(repr=False)


class Listener:
    """One life; `live` is called once."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._secrets = list(wish.secrets)
        self._left = wish.count
        self._telling = threading.Lock()
        self._testing = False
        self._tested = False
        self._wrong = False

    async def live(self, api: Api | None = None, wanted: Mapping[str, Any] | None = None) -> ExitCode:
        """Receive until a signal or the count ends it; with an `api`, under a subscription of its own as `wanted`."""
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._loop.add_signal_handler(number, self._ended.set)
        receiver = self._open()
        try:
            note(f"listening on {receiver.url}; Ctrl-C ends it")
            if api is not None:
                return await self._live_subscribed(api, receiver.url, wanted or {})
            await self._ended.wait()
            return self._code()
        finally:
            receiver.close()

    def _open(self) -> Receiver:
        try:
            return Receiver(self._wish.port, self._wish.answer, self._take)
        except OSError as error:
            line = f"cannot listen on port {self._wish.port}: {error.strerror or error}: choose another --port"
            raise Trouble(line, ExitCode.CALLED_WRONGLY) from None

    async def _live_subscribed(self, api: Api, url: str, wanted: Mapping[str, Any]) -> ExitCode:
        name = f"runhook listen on {socket.gethostname()}"
        about = {"name": name, "description": "Temporary: deleted when it ends.", "client_url": url, "active": True}
        made = await asyncio.to_thread(make, api, about | dict(wanted))
        subscription_id = str(made.get("id"))
        self._secrets.append(str(made["hmac_secret"]))
        try:
            if not await self._reaches(api, subscription_id, url):
                return ExitCode.ENDPOINT_FAILED
            note(f"subscribed as {subscription_id} until the end")
            await self._ended.wait()
            return self._code()
        finally:
            await asyncio.to_thread(_remove, api, subscription_id)

    async def _reaches(self, api: Api, subscription_id: str, url: str) -> bool:
        """Whether a test event comes here. What comes while it is under way is taken for it."""
        self._testing = True
        outcome = await asyncio.to_thread(send_test, api, subscription_id)
        self._testing = False
        if not self._tested:
            error = outcome.get("verification_error") or "it was delivered, but to another machine"
            note(f"deliveries do not reach {url}: {error}")
            note(
                "the platform must run on this machine, and its delivery policy must allow loopback addresses: "
                "`runhook standalone` does, others need RUNHOOK_DELIVERY_ALLOWED_NETWORKS=127.0.0.0/8"
            )
        return self._tested

    def _take(self, headers: Message, body: bytes) -> Callable[[], None]:
        test = self._testing
        came = arrival(headers, body, secrets=self._secrets, answer=self._wish.answer, test=test)
        self._tested = self._tested or test
        return lambda: self._tell(came)

    def _tell(self, came: Arrival) -> None:
        with self._telling:
            if self._left == 0:
                return
            line = came.document() if self._wish.as_json else came.line(colour=may_colour(), body=self._wish.with_body)
            try:
                click.echo(line, color=may_colour())
            except OSError:  # nobody reads any more
                self._end()
            self._wrong = self._wrong or "INVALID" in (came.authorization.verdict, came.standard_webhooks.verdict)
            if self._left is not None and not came.test:
                self._left -= 1
                if not self._left:
                    self._end()

    def _end(self) -> None:
        with suppress(RuntimeError):  # it ended meanwhile
            self._loop.call_soon_threadsafe(self._ended.set)

    def _code(self) -> ExitCode:
        return ExitCode.REFUSED if self._wrong else ExitCode.DONE


def _remove(api: Api, subscription_id: str) -> None:
    try:
        remove(api, subscription_id)
    except Trouble as trouble:
        if trouble.code is not ExitCode.NOT_FOUND:
            line = f"{trouble.message}; delete it later: runhook subscriptions delete {subscription_id}"
            raise Trouble(line, trouble.code, request_id=trouble.request_id) from None
