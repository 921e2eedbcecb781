"""`python -m tests.chaos`: load, faults, calm, and then what came of it.

Exit code 1 when an acknowledged event is lost or another promise is broken, 2 when the run itself could not be made. The
logs of a run with a broken promise are kept, and the folder is named.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from bench import machine
from standalone.trouble import Trouble
from tests.chaos import attempts, inbound, outcome, verdict
from tests.chaos.course import RESULTS, end_on_signals, keep, kept, say
from tests.chaos.house import BREAKER_LONGEST_SECONDS, RETRIES, RETRY_DELAY_SECONDS, running
from tests.chaos.ledger import Ledger
from tests.chaos.members import MemberDied
from tests.chaos.plan import Fault, TooManyFaults, plan
from tests.chaos.publisher import Publisher, publishing
from tests.chaos.striker import Striker

_WARM_SECONDS = 2.0
_QUIET_SECONDS = 5
# Whatever hangs, a run ends this long after its faults: start, calm, the rest of the retries, end.
_MOST_EXTRA_SECONDS = 240.0
_SHARE_EXTRA = 0.2  # of the run's seconds: faults that wait for their targets
_PROGRESS_SECONDS = 5.0


async def run(options: argparse.Namespace, faults: Sequence[Fault], directory: Path) -> dict[str, Any]:
    """One run's figures. MemberDied, Trouble, TimeoutError (or a group of these) when it could not be made."""
    end_on_signals()
    most = options.seconds * (1 + _SHARE_EXTRA) + _MOST_EXTRA_SECONDS
    async with asyncio.timeout(most), running(directory, options.log_level) as house:
        ledger = Ledger(house.log)
        async with publishing(house.targets, house.token, house.load, options.rate, ledger) as publisher:
            began = time.time()
            striker = Striker(house, lambda line: say(f"{time.time() - began:5.0f} s  {line}"))
            progress = _progress(began, ledger, striker, len(faults))
            beside = [asyncio.create_task(progress), asyncio.create_task(keep(house))]
            try:
                await asyncio.sleep(_WARM_SECONDS)
                await striker.strike_all(faults)
                judged = await _calm(publisher, ledger)
                load_ended = time.time()
                publisher.stopping.set()
                await _rest(ledger)
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
        return outcome.figures(
            outcome.Run(
                machine=machine.describe(),
                options={name: getattr(options, name) for name in ("seconds", "faults", "seed", "rate")},
                publisher=publisher,
                ledger=ledger,
                accounts=await attempts.settle(house.url, ledger),
                struck=sorted(striker.struck, key=lambda one: one.began),
                deaths=[(name, *death) for name, member in house.members.items() for death in member.deaths],
                false_starts=[(name, *one) for name, member in house.members.items() for one in member.false_starts],
                began=began,
                judged=judged,
                load_ended=load_ended,
            )
        )


async def _calm(publisher: Publisher, ledger: Ledger) -> float:
    """The load goes on until the lag has been normal for _QUIET_SECONDS, or the time to recover is over. Until when it was
    looked at: what the load's end does is not the platform's."""
    say("the last target is whole again")
    last, since = time.time(), publisher.begun
    while True:
        await asyncio.sleep(1)
        ledger.read()
        # What is under way now is neither late nor on time: look at what had the time to come.
        until = time.time() - verdict.NORMAL_SECONDS
        found = [one for one in verdict.lags(ledger, since) if last <= one[0] < until]
        over = time.time() >= last + verdict.RECOVERY_SECONDS + _QUIET_SECONDS
        if over or verdict.recovery(found, last, until) <= until - last - _QUIET_SECONDS:
            return until


async def _rest(ledger: Ledger) -> None:
    """Until everything acknowledged was answered 200, or the whole schedule of retries has passed twice, probes included."""
    deadline = time.time() + 2 * (RETRIES * RETRY_DELAY_SECONDS + BREAKER_LONGEST_SECONDS)
    while time.time() < deadline:
        await asyncio.sleep(0.5)
        ledger.read()
        if not ledger.outstanding:
            await asyncio.sleep(2)  # what is a duplicate comes even now, and the last attempts are recorded
            break
    ledger.read()


async def _progress(began: float, ledger: Ledger, striker: Striker, planned: int) -> None:
    while True:
        await asyncio.sleep(_PROGRESS_SECONDS)
        ledger.read()
        say(
            f"{time.time() - began:5.0f} s  {len(striker.struck)} faults (planned: {planned}); acknowledged "
            f"{ledger.acknowledged}, of those not delivered {ledger.outstanding}, arrivals {ledger.count}, "
            f"duplicates {len(ledger.repeats)}"
        )


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(prog="python -m tests.chaos", description="Faults at random under load.")
    options.add_argument("--seconds", type=float, default=90.0, help="for how long faults strike (90)")
    options.add_argument("--faults", type=int, default=30, help="how many (30)")
    options.add_argument("--seed", type=int, default=None, help="repeats a plan of faults (a new one)")
    options.add_argument("--rate", type=float, default=500.0, help="events a second (500)")
    options.add_argument("--triggers", action="store_true", help="calls, windows and runs instead of deliveries")
    options.add_argument("--log-level", default="info", choices=("info", "warning"), help="of the processes (info)")
    options.add_argument("--save", metavar="NAME", help="write the figures to tests/chaos/results/NAME.json")
    return options


def _made(options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """The figures and the promises that they break; the folder stays if there is something to look for in it."""
    faults = plan(options.seed, options.faults, options.seconds)
    with tempfile.TemporaryDirectory(prefix="runhook-chaos-", ignore_cleanup_errors=True) as folder:
        broken = ["it could not be made"]
        try:
            told = asyncio.run(run(options, faults, Path(folder)))
            broken = outcome.broken(told)
        finally:
            if broken:
                say(f"the logs are in {kept(Path(folder))}")
    return told, broken


def main() -> int:
    """Runs, prints, saves; the exit code."""
    options = parser().parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1_000_000)
    if options.triggers:
        return inbound.main(options)
    say(f"seed {options.seed}: {options.faults} faults in {options.seconds:g} s, {options.rate:g} events/s")
    try:
        told, broken = _made(options)
    except asyncio.CancelledError:
        say("ended before its time")
        return 130
    except (TooManyFaults, MemberDied, Trouble, TimeoutError, OSError, ExceptionGroup, asyncpg.PostgresError) as error:
        say(f"the run could not be made: {error!r}")
        return 2
    say(outcome.summary(told))
    for line in broken:
        say(f"BROKEN: {line}")
    if options.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{options.save}.json").write_text(json.dumps(told, indent=2) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
