"""All that failed of a webhook within a span, delivered again: the number first, then the progress, and its end.

Invariant: nothing begins before the page has named how many there are.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from starlette.responses import Response

from gateway.console.act import act
from gateway.console.badge import Badge
from gateway.console.deliveries.listing import webhook_of
from gateway.console.deliveries.search import EVENT_TYPES, Search, asked, moment
from gateway.console.moment import Moment
from gateway.console.moment import moment as shown_moment
from gateway.console.page import Page
from gateway.console.refusal import NO_REFUSAL, Refusal, refusal_of
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError, not_found
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import Recovery, RecoveryState

_TEMPLATE = "deliveries/recover.html"
_PREFIX = "recovery."
#: So far back goes a recovery unless somebody says otherwise.
_USUAL_SPAN = timedelta(days=1)
_STATES = {
    RecoveryState.RECOVERY_STATE_RUNNING: Badge("busy", "running"),
    RecoveryState.RECOVERY_STATE_FINISHED: Badge("good", "finished"),
    RecoveryState.RECOVERY_STATE_CANCELLED: Badge("off", "cancelled"),
}
MOST_FOUND = 100_000


@dataclass(frozen=True, kw_only=True)
class RecoveryView:
    """How far one has come; `share` is of 100, and of what was found when it began."""

    id: int
    subscription_id: str
    badge: Badge
    running: bool
    event_type: str
    job_id: int
    found: str
    requeued: int
    share: int
    after: Moment | None
    before: Moment | None
    began: Moment | None
    ended: Moment | None

    @property
    def path(self) -> str:
        """Its page."""
        return f"/console/recoveries/{self.id}"


def recovery_view(recovery: Recovery, now: datetime) -> RecoveryView:
    """As its page shows it."""
    finished = recovery.state == RecoveryState.RECOVERY_STATE_FINISHED
    share = min(100, 100 * recovery.requeued // recovery.found) if recovery.found else 0
    return RecoveryView(
        id=recovery.recovery_id,
        subscription_id=recovery.subscription_id,
        badge=_STATES.get(recovery.state, Badge("off", "unknown")),
        running=recovery.state == RecoveryState.RECOVERY_STATE_RUNNING,
        event_type=recovery.event_type,
        job_id=recovery.job_id,
        found=counted(recovery.found),
        requeued=recovery.requeued,
        share=100 if finished else share,
        after=shown_moment(recovery.published_after, now),
        before=shown_moment(recovery.published_before, now),
        began=shown_moment(recovery.create_time, now),
        ended=shown_moment(recovery.finish_time, now),
    )


def counted(found: int) -> str:
    """
    >>> counted(7), counted(1234), counted(100_000)
    ('7', '1,234', '100,000 or more')
    """
    return f"{found:,} or more" if found >= MOST_FOUND else f"{found:,}"


async def new(visit: ConsoleVisit) -> Response:
    """GET /console/recoveries/new?subscription_id=&event_type=&job_id=&after=&before=: how many there are to deliver again."""
    search = _with_a_beginning(asked(visit.query), visit.now)
    return await _offer(visit, search)


async def start(visit: ConsoleVisit) -> Response:
    """POST /console/recoveries"""
    search = asked(visit.form)
    if search.refusal.fields:
        return await _offer(visit, search)
    try:
        answer = await visit.ask(visit.services.deliveries.StartRecovery, _request(visit, search, validate_only=False))
    except HttpError as error:
        return await _offer(visit, search, error)
    return visit.redirect(f"/console/recoveries/{answer.recovery.recovery_id}")


async def show(visit: ConsoleVisit) -> Response:
    """GET /console/recoveries/{recovery_id}"""
    return await _shown(visit)


async def cancel(visit: ConsoleVisit) -> Response:
    """POST /console/recoveries/{recovery_id}/cancel"""
    number = visit.number("recovery_id")
    request = pb.CancelRecoveryRequest(account_id=visit.account_id, recovery_id=number)
    rpc, path = visit.services.deliveries.CancelRecovery, f"/console/recoveries/{number}"
    return await act(visit, rpc, request, show=_shown, path=path, done="recovery_cancelled")


async def _shown(visit: ConsoleVisit, *, status: int = 200, refusal: Refusal = NO_REFUSAL) -> Response:
    request = pb.GetRecoveryRequest(account_id=visit.account_id, recovery_id=visit.number("recovery_id"))
    answer = await visit.ask(visit.services.deliveries.GetRecovery, request)
    recovery = recovery_view(answer.recovery, visit.now)
    if visit.is_fragment:
        return visit.page("deliveries/_progress.html", recovery=recovery, fragment=True)
    webhook = await webhook_of(visit, recovery.subscription_id)
    return visit.page(
        "deliveries/recovery.html",
        status=status,
        refusal=refusal,
        recovery=recovery,
        fragment=False,
        webhook=webhook,
    )


async def _offer(visit: ConsoleVisit, search: Search, error: HttpError | None = None) -> Response:
    webhook = await webhook_of(visit, search.subscription_id)
    if webhook is None:
        raise not_found()
    found, refusal, status = None, search.refusal, 400 if search.refusal.fields else 200
    if error is None and not search.refusal.fields:
        try:
            request = _request(visit, search, validate_only=True)
            found = (await visit.ask(visit.services.deliveries.StartRecovery, request)).recovery.found
        except HttpError as refused:
            error = refused
    if error is not None:
        refusal, status = _refusal(error), error.status
    listed = pb.ListRecoveriesRequest(account_id=visit.account_id, subscription_id=search.subscription_id)
    before = (await visit.ask(visit.services.deliveries.ListRecoveries, listed)).recoveries
    return visit.page(
        _TEMPLATE,
        status=status,
        refusal=refusal,
        search=search,
        webhook=webhook,
        found=None if found is None else counted(found),
        nothing=found == 0,
        event_types=EVENT_TYPES,
        recoveries=[recovery_view(one, visit.now) for one in before[:10]],
    )


def _refusal(error: HttpError) -> Refusal:
    if error.status in (401, 403, 404):
        raise error
    return refusal_of(error, f"{_PREFIX}published_")


def _request(visit: ConsoleVisit, search: Search, *, validate_only: bool) -> pb.StartRecoveryRequest:
    wanted = Recovery(
        account_id=visit.account_id,
        subscription_id=search.subscription_id,
        event_type=search.event_type,
        job_id=search.job,
        published_after=moment(search.after) or Timestamp(),
        published_before=moment(search.before),
    )
    return pb.StartRecoveryRequest(recovery=wanted, validate_only=validate_only)


def _with_a_beginning(search: Search, now: datetime) -> Search:
    return search if search.after else replace(search, after=f"{now - _USUAL_SPAN:%Y-%m-%dT%H:%M}")


PAGES = (
    Page("GET", "/console/recoveries/new", new),
    Page("POST", "/console/recoveries", start),
    Page("GET", "/console/recoveries/{recovery_id}", show),
    Page("POST", "/console/recoveries/{recovery_id}/cancel", cancel),
)
