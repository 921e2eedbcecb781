"""The log line of an attempt, `delivery.attempted`, written a group at a time: of every failed one at level info, of all at
debug.

An attempt that succeeded is in the database and in the metrics; a line of its own costs a twentieth of a delivery and tells
nobody anything. The general logger costs as much as a POST; this one formats the same JSON from fields known beforehand.
"""

import sys
from json import dumps

from delivery_svc.delivery import Settled
from delivery_svc.event import nanosecond_text

_failed = True
_succeeded = False


def configure(level: str) -> None:
    """Says which attempts have a line, by the level that the process logs at."""
    global _failed, _succeeded
    _failed = level in ("debug", "info")
    _succeeded = level == "debug"


def write_attempts(group: list[Settled]) -> None:
    """Writes the group's lines; ids, numbers and the error class, never a body, URL or secret."""
    if not _failed:
        return
    lines = [_line(one) for one in group if one.attempt is not None and (_succeeded or one.state != "SUCCEEDED")]
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
