"""The canonical log line of an attempt, `delivery.attempted`: one per attempt, written a group at a time.

The general logger costs as much as a POST; this one formats the same JSON from fields that are known beforehand.
"""

import sys
from json import dumps

from delivery_svc.delivery import Settled
from delivery_svc.event import nanosecond_text

enabled = True


def configure(level: str) -> None:
    """Switches the lines off where the process logs warnings and errors only."""
    global enabled
    enabled = level in ("debug", "info")


def write_attempts(group: list[Settled]) -> None:
    """Writes a line for every attempt in the group; ids, numbers and the error class, never a body, URL or secret."""
    if not enabled:
        return
    lines = [_line(settled) for settled in group if settled.attempt is not None]
    if lines:
        sys.stderr.write("".join(lines))


def _line(settled: Settled) -> str:
    delivery, attempt = settled.delivery, settled.attempt
    assert attempt is not None
    exchange = attempt.exchange
    return (
        f'{{"event":"delivery.attempted","level":"info","process":"delivery_svc"'
        f',"time":"{nanosecond_text(attempt.began_us * 1000)}","delivery":{delivery.id}'
        f',"event_id":"{delivery.event.event_id}","subscription":"{delivery.profile.public_id}"'
        f',"account":{delivery.event.account_id},"number":{attempt.number},"outcome":"{attempt.outcome}"'
        f',"status_code":{exchange.status_code},"error":"{exchange.error}","detail":{dumps(exchange.detail)}'
        f',"duration_seconds":{exchange.duration:.6f},"state":"{settled.state or "PENDING"}"'
        f',"retry_seconds":{settled.delay:.1f}}}\n'
    )
