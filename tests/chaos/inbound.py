"""`python -m tests.chaos --triggers`: calls, faults and meddling, calm, and then what came of it.

Exit code 1 when a call that was answered 204 is lost or another promise is broken, 2 when the run could not be made.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import asyncpg

from bench import machine
from standalone.trouble import Trouble
from tests.chaos import inbound_house, inbound_verdict
from tests.chaos.callers import Callers
from tests.chaos.course import RESULTS, end_on_signals, keep, kept, say
from tests.chaos.inbound_house import LEASE_SECONDS, WINDOW_SECONDS, InboundHouse
from tests.chaos.members import MemberDied
from tests.chaos.plan import INBOUND_HABITS, Fault, TooManyFaults, plan
from tests.chaos.striker import Striker

_WARM_SECONDS = 2.0
_CALM_SECONDS = 3.0
#: Until all has ended: leases run out, queues drain, one process a run.
_REST_SECONDS = 180.0
_MOST_EXTRA_SECONDS = 420.0
_MEDDLE_SECONDS = 0.7
MEDDLING = (
    "update trigger.head set threshold = 1 + (random() * 30)::integer where trigger_id = $1",
    "select trigger.pause_target(account_id, task_id, true) from trigger.trigger where trigger_id = $1",
    "select trigger.pause_target(account_id, task_id, false) from trigger.trigger where trigger_id = $1",
    "select what from trigger.close_window($1, 'flush', array['exe_' || lpad((random() * 1e15)::bigint::text, 27, '0')])",
)
RESUME = "select trigger.pause_target(account_id, task_id, false) from trigger.trigger where plan_id is null"
#: What a fault makes of a meddler's statement: it did not happen, or nobody knows.
_HELD_UP = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


async def run(options: argparse.Namespace, faults: Sequence[Fault], directory: Path) -> dict[str, Any]:
    """One run's figures. MemberDied, Trouble, TimeoutError (or a group of these) when it could not be made."""
    end_on_signals()
    async with (
        asyncio.timeout(options.seconds * 1.2 + _MOST_EXTRA_SECONDS),
        inbound_house.running(directory, options.log_level) as house,
    ):
        callers = Callers(house.hooks, house.doors, options.seed)
        began = time.time()
        striker = Striker(house, lambda line: say(f"{time.time() - began:5.0f} s  {line}"))
        calling = asyncio.create_task(callers.run(options.rate))
        beside = [asyncio.create_task(keep(house)), asyncio.create_task(_meddle(house, options.seed))]
        try:
            await asyncio.sleep(_WARM_SECONDS)
            await striker.strike_all(faults)
            say("the last target is whole again")
            await asyncio.sleep(_CALM_SECONDS)
            callers.stopping.set()
            beside.pop().cancel()
            rested = await _rest(house, calling)
        finally:
            for task in (*beside, calling):
                task.cancel()
            await asyncio.gather(*beside, calling, return_exceptions=True)
        connection = await asyncpg.connect(house.url, command_timeout=120)
        try:
            found = await inbound_verdict.judge(connection, callers.log, house.arrivals, striker.struck)
        finally:
            await connection.close()
        if not rested:
            found.broken.append(f"not all had ended {_REST_SECONDS:.0f} s after the last call")
        for name, member in house.members.items():
            found.broken += [f"{name} ended by itself with code {code}" for _, code in member.deaths]
        return {
            "machine": asdict(machine.describe()),
            "options": {name: getattr(options, name) for name in ("seconds", "faults", "seed", "rate")},
            "answers": dict(callers.log.answers),
            "faults": [
                {
                    "kind": str(one.fault.kind),
                    "target": one.fault.target,
                    "point": one.fault.armed,
                    "missed": one.missed,
                }
                for one in striker.struck
            ],
            **found.as_json(),
        }


async def _rest(house: InboundHouse, calling: "asyncio.Task[None]") -> bool:
    """Until every call was answered, every window is closed and every execution has ended; whether that came."""
    connection = await asyncpg.connect(house.url, command_timeout=30)
    try:
        await connection.execute(RESUME)
        until = time.monotonic() + _REST_SECONDS
        while time.monotonic() < until:
            if calling.done() and await inbound_verdict.rests(connection):
                calling.result()
                await asyncio.sleep(LEASE_SECONDS)  # artifacts are given up, the last events told
                return True
            await asyncio.sleep(WINDOW_SECONDS / 4)
        return False
    finally:
        await connection.close()


async def _meddle(house: InboundHouse, seed: int) -> None:
    """Somebody edits, pauses, resumes and flushes triggers all the while."""
    chosen = random.Random(seed)
    while True:
        await asyncio.sleep(_MEDDLE_SECONDS)
        with suppress(*_HELD_UP):
            connection = await asyncpg.connect(house.url, timeout=3, command_timeout=3)
            try:
                await connection.execute(chosen.choice(MEDDLING), chosen.choice(house.hooks).trigger_id)
            finally:
                connection.terminate()


def main(options: argparse.Namespace) -> int:
    """Runs, prints, saves; the exit code."""
    say(f"seed {options.seed}: {options.faults} faults in {options.seconds:g} s, {options.rate:g} calls/s")
    try:
        told = _made(options)
    except asyncio.CancelledError:
        say("ended before its time")
        return 130
    except (TooManyFaults, MemberDied, Trouble, TimeoutError, OSError, ExceptionGroup, asyncpg.PostgresError) as error:
        say(f"the run could not be made: {error!r}")
        return 2
    for name in ("answers", "acknowledged", "stored", "unheard", "windows", "close_reasons", "executions", "payloads"):
        say(f"{name:14} {told[name]}")
    say(f"{'lateness':14} p99 {told['lateness_p99']} s, at most {told['lateness_max']} s")
    for line in told["broken"]:
        say(f"BROKEN: {line}")
    if options.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{options.save}.json").write_text(json.dumps(told, indent=2) + "\n")
    return 1 if told["broken"] else 0


def _made(options: argparse.Namespace) -> dict[str, Any]:
    """The figures; the folder's logs stay if there is something to look for in them."""
    faults = plan(options.seed, options.faults, options.seconds, INBOUND_HABITS)
    with tempfile.TemporaryDirectory(prefix="runhook-chaos-", ignore_cleanup_errors=True) as folder:
        broken = True
        try:
            told = asyncio.run(run(options, faults, Path(folder)))
            broken = bool(told["broken"])
        finally:
            if broken:
                say(f"the logs are in {kept(Path(folder))}")
    return told
