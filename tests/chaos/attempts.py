"""Every POST that came beside every attempt on record: the one place where our tables are asked, and not believed.

Invariant: the receiver's count is the truth. On record there may be less, by what died between answer and record, never more.
"""

from dataclasses import dataclass

import asyncpg

from tests.chaos.ledger import Ledger

_PREFETCH = 5000
# A request id of the load ends with the event's number.
BY_EVENT = """
select split_part(request.request_id, '-', 2)::bigint as number, count(*) as made,
    count(*) filter (where attempt.status_code > 0) as answered, max(delivery.attempts) as told
from delivery.publish_request as request
join delivery.delivery as delivery on delivery.event_id = request.event_id
join delivery.attempt as attempt on attempt.delivery_id = delivery.id
group by request.request_id
"""


@dataclass(slots=True)
class Accounts:
    """`recorded` attempts, `unrecorded` arrivals without one, `invented` answers on record that no arrival stands behind,
    `miscounted` deliveries that count attempts which nobody made. Fewer are no fault: what a pod made that was declared dead
    meanwhile is on record beside the count of the pod that took over."""

    recorded: int = 0
    unrecorded: int = 0
    invented: int = 0
    miscounted: int = 0


async def settle(url: str, ledger: Ledger) -> Accounts:
    """Compares all of them, at the end of a run. Errors of asyncpg."""
    accounts = Accounts()
    connection = await asyncpg.connect(url, command_timeout=300)
    try:
        async with connection.transaction(readonly=True):
            async for row in connection.cursor(BY_EVENT, prefetch=_PREFETCH):
                came = ledger.arrivals[row["number"]]
                accounts.recorded += row["made"]
                accounts.unrecorded += max(0, came - row["made"])
                accounts.invented += max(0, row["answered"] - came)
                accounts.miscounted += row["told"] > row["made"]
    finally:
        await connection.close()
    return accounts
