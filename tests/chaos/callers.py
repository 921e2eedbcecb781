"""The callers: POSTs at a fixed rate to both gateways, each with a number in its body that no other has.

Invariant: a number is acknowledged in the log if and only if a 204 was read for it. Calls of triggers that know a call again
are repeated under their key until they are; the others never: a call without a 204 may be stored or not, once.
"""

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

from tests.chaos.inbound_house import API_KEY, Hook

#: 429: the queue is full, of mode reject. 503: not now. Others are findings.
EXPECTED = frozenset({204, 429, 503})
_CALL_SECONDS = 8.0
_PAUSE_SECONDS = 0.5
_MOST_ODD = 20
_MOST_AT_ONCE = 500


@dataclass
class CallLog:
    """By number: the trigger of each call, the ids under which it was acknowledged; answers by status, and none ("lost")."""

    sent: dict[int, int] = field(default_factory=dict)
    acked: dict[int, set[str]] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)


class Callers:
    """Calls until told to stop."""

    def __init__(self, hooks: Sequence[Hook], doors: Sequence[str], seed: int) -> None:
        self.log = CallLog()
        self.stopping = asyncio.Event()
        self._hooks = hooks
        self._doors = itertools.cycle(doors)
        self._random = random.Random(seed)

    async def run(self, rate: float) -> None:
        """`rate` calls a second until `stopping`; then waits until every one was answered, or given up."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        room = asyncio.Semaphore(_MOST_AT_ONCE)
        timeout = aiohttp.ClientTimeout(total=_CALL_SECONDS)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session, asyncio.TaskGroup() as group:
            for number in itertools.count():
                if self.stopping.is_set():
                    return
                await asyncio.sleep(due - loop.time())
                await room.acquire()
                hook = self._random.choice(self._hooks)
                group.create_task(self._call(session, number, hook)).add_done_callback(lambda _: room.release())
                due += 1 / rate

    async def _call(self, session: aiohttp.ClientSession, number: int, hook: Hook) -> None:
        self.log.sent[number] = hook.trigger_id
        headers = {"Content-Type": "application/json"}
        if hook.known_again:
            headers |= {"X-Api-Key": API_KEY, "Idempotency-Key": f"call-{number}"}
        # A call that came before is sent twice at once now and then: two pods, one of them first.
        twice = hook.known_again and self._random.random() < 0.2
        while True:
            answered = await asyncio.gather(
                *(self._post(session, number, hook, headers) for _ in range(2 if twice else 1))
            )
            if any(answered) or not hook.known_again:
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _post(self, session: aiohttp.ClientSession, number: int, hook: Hook, headers: dict[str, str]) -> bool:
        """Whether it was acknowledged, or refused for good."""
        body = json.dumps({"n": number, "padding": "é" * (number % 50)}, ensure_ascii=False).encode()
        try:
            url = f"http://{next(self._doors)}/t/{hook.token}"
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                status, call_id = answer.status, answer.headers.get("X-Call-Id", "")
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.log.answers["lost"] += 1
            self.log.unknown.add(number)
            return False
        self.log.answers[str(status)] += 1
        if status == 204:
            self.log.acked.setdefault(number, set()).add(call_id)
        elif status == 503:
            self.log.unknown.add(number)  # its commit may have gone through: nobody could say
        elif status not in EXPECTED and len(self.log.odd) < _MOST_ODD:
            self.log.odd.append(f"{status} for call {number}")
        return status == 204
