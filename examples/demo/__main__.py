"""`python -m examples.demo [outbound] [inbound]`: both journeys, or the named ones.

Exit code 0 only if every check held, 130 after Ctrl-C. Whatever happens, what was started is ended, within MOST_SECONDS
and a bit; the throwaway directory stays only where something failed, for its logs.
"""

import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

from examples.demo.inbound import inbound
from examples.demo.inbox import Inbox
from examples.demo.outbound import outbound
from examples.demo.product import Product
from examples.demo.shop import COMMANDS, DBT, ROOT
from examples.demo.stage import Stage
from examples.demo.story import Story, Trouble

PARTS = ("outbound", "inbound")
MOST_SECONDS = 400
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(parts: list[str]) -> int:
    """The exit code."""
    if not set(parts) <= set(PARTS):
        print("usage: python -m examples.demo [outbound] [inbound]", file=sys.stderr)
        return 2
    for number in _STOPPING:
        signal.signal(number, _stop)
    signal.signal(signal.SIGALRM, _take_too_long)
    signal.alarm(MOST_SECONDS)
    folder = Path(tempfile.mkdtemp(prefix="runhook-demo-"))
    story = Story()
    code = 1
    try:
        with ExitStack() as stack:
            play(parts or list(PARTS), story, folder, stack)
        code = 0 if story.end() else 1
    except Trouble as trouble:
        story.fail(str(trouble))
        story.end()
    except KeyboardInterrupt:
        print("\nstopped; what was started is ended")
        code = 130
    finally:
        if code == 1:
            print(f"the logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return code


def play(parts: list[str], story: Story, folder: Path, stack: ExitStack) -> None:
    """Start what is needed, play the parts; `stack` ends it all."""
    if "inbound" in parts and not DBT.exists():
        raise Trouble("there is no dbt here: run examples/dbt/setup.sh first")
    folder.chmod(0o711)  # where Postgres must run as another user, it passes through
    warehouse = folder / "shop.duckdb"
    story.step("The platform, on an empty data directory, and a receiver")
    inbox = Inbox(folder)
    stack.callback(inbox.close)
    runs = str(folder / "runs")
    product = Product(folder, COMMANDS=str(COMMANDS), RUNHOOK_RUNNER_WORK_DIRECTORY=runs, SHOP_DATABASE=str(warehouse))
    stack.callback(product.close)
    stack.callback(_be_deaf)  # the first that happens at the end
    story.say(f"runhook standalone at {product.url}, the receiver at {inbox.url('/')}")
    stage = Stage(story=story, product=product, inbox=inbox)
    if "outbound" in parts:
        outbound(stage)
    if "inbound" in parts:
        inbound(stage, warehouse)
    story.step("The end: everything is stopped")
    _be_deaf()
    story.check("the platform's exit code", expected=0, came=product.close())


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _take_too_long(number: int, frame: FrameType | None) -> NoReturn:
    raise Trouble(f"it took longer than {MOST_SECONDS} s")


def _be_deaf() -> None:
    """Ending takes seconds and must not be cut short."""
    signal.alarm(0)
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
