"""What both journeys play on, and the rule that judges them: who must get what.

Every subscription gets the events of its types and its job, once each, signed, in the shape of the samples; nothing else.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from examples.demo import payload
from examples.demo.inbox import Delivery, Inbox
from examples.demo.product import Platform
from examples.demo.story import Story

SETTLE_SECONDS = 1.0
_SUBSCRIPTIONS = "/api/v3/accounts/{account}/webhooks/subscriptions"


class Wish(NamedTuple):
    """A subscription; `job_id` is None where it is for all jobs."""

    path: str
    event_types: tuple[str, ...]
    job_id: str | None


class Due(NamedTuple):
    """One delivery, as far as it matters who gets it."""

    path: str
    event_type: str
    job_id: str
    run_id: str


@dataclass(kw_only=True)
class Stage:
    """The story, the platform, the receiver; what was wished for and is due; how many POSTs we forged, how many were told."""

    story: Story
    product: Platform
    inbox: Inbox
    wishes: list[Wish] = field(default_factory=list)
    due: Counter[Due] = field(default_factory=Counter)
    forged: int = 0
    told: int = 0

    def subscribe(self, wish: Wish) -> dict[str, Any]:
        """Make a subscription over REST and give its secret to the receiver; the webhook as it was answered."""
        body = {
            "name": f"demo {wish.path}",
            "active": True,
            "client_url": self.inbox.url(wish.path),
            "event_types": wish.event_types,
            "job_ids": [] if wish.job_id is None else [int(wish.job_id)],
        }
        webhook: dict[str, Any] = self.product.ask("POST", _SUBSCRIPTIONS, body)["data"]
        self.inbox.trust(wish.path, webhook["hmac_secret"])
        self.wishes.append(wish)
        jobs = "all jobs" if wish.job_id is None else f"job {wish.job_id} only"
        self.story.say(f"{webhook['id']}  {', '.join(wish.event_types)}; {jobs}; to {wish.path}")
        return webhook

    def happen(self, event_type: str, job_id: str, run_id: str) -> None:
        """An event is published: from now on its deliveries are due."""
        for wish in self.wishes:
            if event_type in wish.event_types and wish.job_id in (None, job_id):
                self.due[Due(wish.path, event_type, job_id, run_id)] += 1

    def check_deliveries(self, since: float, seconds: float) -> None:
        """Waits at most so long for what is due and a moment more for what is not; then judges all that ever came.

        What is new is told with its seconds since a time (unix seconds).
        """
        self.inbox.wait(lambda: self._came() >= self.due, seconds)
        self.inbox.wait(lambda: bool(self._came() - self.due), SETTLE_SECONDS)
        genuine = self._genuine()
        for one in genuine[self.told :]:
            event_type, event_id = one.event["eventType"], one.event["eventId"]
            self.story.say(f"+{one.at - since:6.3f} s  {event_id}  {event_type} to {one.path}")
        self.told = len(genuine)
        came = self._came()
        check = self.story.check
        check("deliveries so far", expected=_sum(self.due, self.due), came=_sum(self.due, came))
        check("POSTs without a good signature, the forged one apart", expected=0, came=self._refused() - self.forged)
        good = sum(payload.in_shape(one.event) for one in genuine)
        check("bodies with the sample's keys, in its order, of its types", expected=len(genuine), came=good)

    def delivered_to(self, path: str) -> list[Delivery]:
        """The genuine deliveries to a path."""
        return [one for one in self._genuine() if one.path == path]

    def _genuine(self) -> list[Delivery]:
        return [one for one in self.inbox.deliveries() if one.genuine]

    def _refused(self) -> int:
        return sum(not one.genuine for one in self.inbox.deliveries())

    def _came(self) -> Counter[Due]:
        return Counter(Due(one.path, *payload.about(one.event)) for one in self._genuine())


def _sum(due: Counter[Due], came: Counter[Due]) -> str:
    missing, strange = list((due - came).elements()), list((came - due).elements())
    return f"{came.total()}, missing {missing or 'none'}, not asked for {strange or 'none'}"
