"""One life of `runhook standalone`, from settings to the last child's end. Invariant: it always ends clean."""

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress

from chassis import logs
from standalone import settings as told
from standalone.database import ready_database
from standalone.home import Home
from standalone.ports import is_free
from standalone.postgres import Postgres
from standalone.processes import ACCOUNT_ID, LOOPBACK, Addresses, choose_addresses, family
from standalone.settings import StandaloneSettings
from standalone.supervisor import Supervisor
from standalone.trouble import Trouble
from standalone.welcome import welcome

_POLL_SECONDS = 0.1


def run(environment: Mapping[str, str]) -> int:
    """The exit code: 0 when told to end, 1 after trouble, of which stderr has one line."""
    logs.configure(level="warning", style="console", process="standalone", pod="standalone-0")
    try:
        asyncio.run(_until_signal(told.load(environment)))
    except Trouble as trouble:
        print(f"runhook: {trouble}", file=sys.stderr)
        return 1
    return 0


async def _until_signal(settings: StandaloneSettings) -> None:
    told_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told_to_end.set)
    living = asyncio.ensure_future(live(settings))
    waiting = asyncio.ensure_future(told_to_end.wait())
    await asyncio.wait([living, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    living.cancel()  # once, so that a second Ctrl-C does not cut the cleaning short
    with suppress(asyncio.CancelledError):
        await living


async def live(settings: StandaloneSettings) -> None:
    """Run the platform until cancelled. Raises Trouble if it does not start."""
    if settings.port and not is_free(settings.port):
        raise Trouble(f"PORT={settings.port}: another program listens there, choose another PORT")
    async with AsyncExitStack() as stack:
        home = Home(settings.data_dir)
        stack.callback(home.close)
        await home.enter()
        token_is_new = home.settle_token(settings.token)
        database = await stack.enter_async_context(ready_database(home, settings.database_url))
        addresses = choose_addresses(settings.port)
        supervisor = Supervisor(family(settings, home, database, addresses), say=say, inherit=[home.lock])
        stack.push_async_callback(supervisor.stop)
        await supervisor.start()
        facts = _facts(settings, home, addresses, database.owner_url)
        home.announce(facts)
        allowed = settings.passed_on.get("RUNHOOK_DELIVERY_ALLOWED_NETWORKS", LOOPBACK)
        say(welcome(facts, data_dir=settings.data_dir, allowed=allowed, token_is_new=token_is_new, called=sys.argv[0]))
        await _watch(supervisor, database.postgres)


async def _watch(supervisor: Supervisor, postgres: Postgres | None) -> None:
    """Start again what dies, until cancelled; the embedded Postgres on the same port."""
    while True:
        if postgres is not None and postgres.is_dead():
            say("Postgres died, starting it again")
            await postgres.start()
        supervisor.tick(time.monotonic())
        await asyncio.sleep(_POLL_SECONDS)


def _facts(settings: StandaloneSettings, home: Home, addresses: Addresses, database_url: str) -> dict[str, object]:
    gateway = settings.gateway_url(addresses.gateway)
    return {
        "gateway_url": gateway,
        "public_url": settings.passed_on.get("RUNHOOK_PUBLIC_URL", gateway),
        "grpc": dict(addresses.grpc),
        "metrics": {name: f"http://{address}/metrics" for name, address in addresses.metrics.items()},
        "account_id": ACCOUNT_ID,
        "token": home.first_token.read_text().strip(),
        "database_url": database_url,
    }


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)
