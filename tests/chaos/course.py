"""What all chaos runs have in common: how they end, what is started again, where logs and results go."""

import asyncio
import signal
import tempfile
from pathlib import Path

from tests.chaos.striker import Strikable

RESULTS = Path(__file__).with_name("results")
_KEEP_SECONDS = 0.5


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)


def end_on_signals() -> None:
    """SIGTERM and Ctrl-C end a run with all that it started; while that is under way they change nothing any more."""
    task = asyncio.current_task()
    assert task is not None
    ended = False

    def end() -> None:
        nonlocal ended
        if not ended:
            ended = True
            say("ending")
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)


async def keep(house: Strikable) -> None:
    """Start again whatever ended by itself, as an orchestrator would: one that does not come back is missed anyway."""
    while True:
        await asyncio.sleep(_KEEP_SECONDS)
        for member in house.members.values():
            await member.keep()


def kept(folder: Path) -> Path:
    kept = Path(tempfile.mkdtemp(prefix="runhook-chaos-kept-"))
    for log in folder.glob("*.log"):
        log.rename(kept / log.name)
    return kept
