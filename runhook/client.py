"""The client: where the services are, who calls, and a room for each kind of thing.

    async with Client("dns:///runhook.example:443", token=token, tls=Tls()) as client:
        made = await client.subscriptions.create(1, name="first", client_url=url, event_types=["job.run.completed"])
        await client.events.publish([job_run_event("job.run.completed", account_id=1, ...)])

Invariant: nothing is connected to before the first call, so a client may be made anywhere, but for its calls' event loop.
"""

from types import TracebackType
from typing import Self

from runhook.accounts import Accounts
from runhook.connection import Connection, Manner, Target, Tls
from runhook.deliveries import Deliveries
from runhook.erasures import Erasures
from runhook.events import Events
from runhook.executions import Executions
from runhook.plans import Plans
from runhook.recoveries import Recoveries
from runhook.retry import RetryPolicy
from runhook.runs import Runs
from runhook.subscriptions import Subscriptions
from runhook.tasks import Tasks
from runhook.triggers import Triggers

Targets = tuple[Target, Target, Target]
_DEFAULT_RETRY = RetryPolicy()


class Rooms:
    """What a caller can do, by the kind of thing. Every call raises RunhookError when it fails."""

    def __init__(self, targets: Targets, seconds: float | None = None) -> None:
        subscription, delivery, trigger = (Connection(target, seconds) for target in targets)
        self.accounts = Accounts(subscription)
        self.subscriptions = Subscriptions(subscription)
        self.events = Events(delivery)
        self.deliveries = Deliveries(delivery)
        self.recoveries = Recoveries(delivery)
        self.erasures = Erasures(delivery)
        self.tasks = Tasks(trigger)
        self.plans = Plans(trigger)
        self.triggers = Triggers(trigger)
        self.executions = Executions(trigger)
        self.runs = Runs(trigger)


class Client(Rooms):
    """A caller of the three services."""

    def __init__(
        self,
        target: str | None = None,
        *,
        subscription_svc: str | None = None,
        delivery_svc: str | None = None,
        trigger_svc: str | None = None,
        token: str | None = None,
        service_credential: str | None = None,
        tls: Tls | None = None,
        timeout: float = 10.0,
        retry: RetryPolicy | None = _DEFAULT_RETRY,
    ) -> None:
        """Targets are gRPC's, such as dns:///name:50051: one for all services, or one for each that is called.

        Callers show a service `token`; a platform's own processes its `service_credential`. Blanks around either are cut.
        Without `tls` all of it travels in the clear: for a network that is yours. `timeout` is the deadline of a call in
        seconds, its repetitions included; `retry=None` repeats nothing. ValueError unless there is one of the two
        credentials.
        """
        manner = Manner(metadata=_metadata(token, service_credential), tls=tls, timeout=timeout, retry=retry)
        self._targets = (
            Target(subscription_svc or target, "subscription_svc", manner),
            Target(delivery_svc or target, "delivery_svc", manner),
            Target(trigger_svc or target, "trigger_svc", manner),
        )
        super().__init__(self._targets)

    def within(self, seconds: float) -> Rooms:
        """The same client with another deadline: `await client.within(60).events.publish(events)`."""
        return Rooms(self._targets, seconds)

    async def close(self) -> None:
        """Ends what is under way. The client is of no use after that."""
        for target in self._targets:
            await target.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _metadata(token: str | None, service_credential: str | None) -> tuple[tuple[str, str], ...]:
    """How every call says who calls."""
    token, service_credential = (token or "").strip(), (service_credential or "").strip()
    if bool(token) == bool(service_credential):
        raise ValueError("a client has a token or a service credential: one of the two, and not empty")
    if token:
        return (("authorization", f"Bearer {token}"),)
    return (("x-runhook-service-credential", service_credential),)
