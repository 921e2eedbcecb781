"""The form of a webhook, as it is filled in and as it is sent. Whether what it says is allowed is the service's rule."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway import numbers
from gateway.console.form import Form
from runhook.subscription.v1.subscription_pb2 import Subscription

EVENTS = (
    ("job.run.started", "A run has started", "job.run.started"),
    ("job.run.completed", "A run has ended, whatever its state", "job.run.completed"),
    ("job.run.errored", "A run has failed", "job.run.errored"),
)
OPERATORS_EVENTS = (
    ("subscription.deactivated", "A webhook was deactivated", "subscription.deactivated"),
    ("execution.rejected", "An execution found no room", "execution.rejected"),
)
#: In the place of what is no number: no service takes it, and it says what it would take.
_REFUSED = 0


@dataclass(frozen=True, kw_only=True)
class WebhookForm:
    """Text as people type it. `some_jobs` is whether only the jobs of `job_ids` are meant; `etag` is of what is to be
    replaced, as it was when the form was opened."""

    name: str = ""
    description: str = ""
    client_url: str = ""
    event_types: Sequence[str] = ("job.run.completed",)
    some_jobs: bool = False
    job_ids: str = ""
    active: bool = True
    etag: str = ""

    @property
    def for_operators(self) -> bool:
        """Whether an event of the operator's account is chosen."""
        return any(value in self.event_types for value, _, _ in OPERATORS_EVENTS)

    def subscription(self, account_id: int, subscription_id: str = "") -> Subscription:
        """What the service is asked to store."""
        words = self.job_ids.replace(",", " ").split() if self.some_jobs else []
        job_ids = [numbers.decimal(word) or _REFUSED for word in words]
        if self.some_jobs and not job_ids:
            job_ids = [_REFUSED]
        return Subscription(
            account_id=account_id,
            subscription_id=subscription_id,
            name=self.name,
            description=self.description,
            client_url=self.client_url,
            event_types=self.event_types,
            job_ids=job_ids,
            active=self.active,
        )


def filled_in(form: Form) -> WebhookForm:
    """As it was sent."""
    return WebhookForm(
        name=form.text("name"),
        description=form.text("description"),
        client_url=form.text("client_url").strip(),
        event_types=form.all("event_types"),
        some_jobs=form.text("jobs") == "some",
        job_ids=form.text("job_ids"),
        active=form.has("active"),
        etag=form.text("etag"),
    )


def stored(webhook: Subscription) -> WebhookForm:
    """As it stands."""
    return WebhookForm(
        name=webhook.name,
        description=webhook.description,
        client_url=webhook.client_url,
        event_types=tuple(webhook.event_types),
        some_jobs=bool(webhook.job_ids),
        job_ids=" ".join(map(str, webhook.job_ids)),
        active=webhook.active,
        etag=webhook.etag,
    )
