"""Recent Deliveries: pages of a subscription's deliveries, and one delivery with its attempts.

Invariant: a page holds bodies of at most 4 MiB together, so that it fits a message; what is left begins the next page.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from chassis.errors import BadField, InvalidInput, NotFound
from chassis.ids import is_id
from chassis.page_token import keys_of, page_token
from delivery_svc.event import Event
from delivery_svc.payload import render_body
from delivery_svc.store import recent, subscription

LIST = "deliveries"
DEFAULT_PAGE = 20
LARGEST_PAGE = 100
LARGEST_SKIP = 10_000
MOST_COUNTED = 10_000
MOST_ATTEMPTS = 1000
MOST_LOOKED_AT, LOOKED_AT_ONCE = 5_000, 500
LARGEST_BODIES = 4 * 1024 * 1024
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
BEGIN_OF_TIME = EPOCH
#: Deliveries before this moment and, of that moment, before this id.
Place = tuple[datetime, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A delivery as it is shown. `body` is what goes out, at every attempt the same bytes; empty when it was erased."""

    id: int
    event_id: str
    subscription_id: str
    account_identifier: str
    event_type: str
    job_id: int
    state: str
    reason: str
    attempts: int
    last_status_code: int
    published_at: datetime
    finished_at: datetime | None
    body: bytes
    test: bool
    next_attempt_at: datetime | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a page is asked for: None, 0 and "" stand for no wish."""

    page_size: int = 0
    page_token: str = ""
    skip: int = 0
    state: str | None = None
    published_after: datetime | None = None
    published_before: datetime | None = None
    event_type: str = ""
    job_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Newest first; `next_page_token` is empty on the last one."""

    deliveries: list[Shown]
    next_page_token: str


async def page(pool: asyncpg.Pool, account_id: int, public_id: str, search: Search) -> Page:
    """A page of a subscription's deliveries. NotFound, InvalidInput."""
    before = _check(search)
    found = await _subscription(pool, account_id, public_id)
    size = min(search.page_size or DEFAULT_PAGE, LARGEST_PAGE)
    rows, reached = await _matching(pool, found["id"], before, search, search.skip + size + 1)
    rows = rows[search.skip :]
    shown = _within(await _shown(pool, rows[:size]))
    if shown and len(shown) < len(rows):
        reached = (shown[-1].published_at, shown[-1].id)
    return Page(deliveries=shown, next_page_token=_token(reached) if reached else "")


async def _matching(
    pool: asyncpg.Pool, subscription_id: int, before: Place, search: Search, wanted: int
) -> tuple[list[asyncpg.Record], Place | None]:
    """So many rows of the page; and, where it ended because it had looked at enough, how far it came.

    No index has an event's type or job, since every publish would pay for it.
    """
    since, state = search.published_after or BEGIN_OF_TIME, search.state
    if not search.event_type and not search.job_id:
        return await recent.page(pool, subscription_id, before=before, since=since, state=state, limit=wanted), None
    matching: list[asyncpg.Record] = []
    for _ in range(MOST_LOOKED_AT // LOOKED_AT_ONCE):
        rows = await recent.page(pool, subscription_id, before=before, since=since, state=state, limit=LOOKED_AT_ONCE)
        matching += await recent.of_kind(pool, rows, event_type=search.event_type, job_id=search.job_id)
        if len(rows) < LOOKED_AT_ONCE or len(matching) >= wanted:
            return matching[:wanted], None
        before = (rows[-1]["published_at"], rows[-1]["id"])
    return matching, before


async def count(pool: asyncpg.Pool, account_id: int, public_id: str) -> int:
    """How many deliveries the subscription has, counted up to 10,000. NotFound."""
    found = await _subscription(pool, account_id, public_id)
    return await recent.count(pool, found["id"], MOST_COUNTED)


async def by_id(pool: asyncpg.Pool, account_id: int, delivery_id: int) -> tuple[Shown, list[asyncpg.Record]]:
    """A delivery and its attempts. NotFound."""
    return await _with_attempts(pool, await recent.by_id(pool, account_id, delivery_id))


async def shown(pool: asyncpg.Pool, row: asyncpg.Record) -> Shown:
    """A delivery from its row. NotFound when its event is gone."""
    found = await _shown(pool, [row])
    if not found:
        raise no_delivery()
    return found[0]


async def by_ends(
    pool: asyncpg.Pool, account_id: int, public_id: str, event_id: str
) -> tuple[Shown, list[asyncpg.Record]]:
    """The delivery of an event to a subscription, and its attempts. NotFound."""
    found = await _subscription(pool, account_id, public_id)
    if not is_id("wev_", event_id):
        raise no_delivery()
    return await _with_attempts(pool, await recent.by_ends(pool, account_id, found["id"], event_id))


def _check(search: Search) -> Place:
    """Where the page begins. InvalidInput names every bad field."""
    bad = []
    if search.page_size < 0:
        bad.append(BadField("page_size", "must not be below 0"))
    if not 0 <= search.skip <= LARGEST_SKIP:
        bad.append(BadField("skip", f"must be 0 to {LARGEST_SKIP:,}: use page tokens to go further"))
    if search.job_id < 0:
        bad.append(BadField("job_id", "must not be below 0"))
    before = (search.published_before or END_OF_TIME, 0)
    if search.page_token:
        try:
            before = min(before, _place(search.page_token))
        except (ValueError, OverflowError):
            bad.append(BadField("page_token", "must be the next_page_token of an answer, or empty"))
    if bad:
        raise InvalidInput(bad)
    return before


def _token(reached: Place) -> str:
    return page_token(LIST, (reached[0] - EPOCH) // timedelta(microseconds=1), reached[1])


def _place(token: str) -> Place:
    microseconds, delivery_id = keys_of(LIST, token, 2)
    return EPOCH + timedelta(microseconds=microseconds), delivery_id


async def _subscription(pool: asyncpg.Pool, account_id: int, public_id: str) -> asyncpg.Record:
    found = await subscription.find(pool, account_id, public_id) if is_id("wsu_", public_id) else None
    if found is None:
        raise NotFound("SUBSCRIPTION_NOT_FOUND", "the account has no such subscription: list those it has")
    return found


async def _with_attempts(pool: asyncpg.Pool, row: asyncpg.Record | None) -> tuple[Shown, list[asyncpg.Record]]:
    shown = await _shown(pool, [] if row is None else [row])
    if not shown:
        raise no_delivery()
    return shown[0], await recent.attempts(pool, shown[0].id, shown[0].published_at, MOST_ATTEMPTS)


def no_delivery() -> NotFound:
    """Unknown, another account's, or forgotten."""
    return NotFound("DELIVERY_NOT_FOUND", "there is no such delivery, or it is older than 30 days")


def _within(shown: list[Shown]) -> list[Shown]:
    """As many as their bodies allow, one at least."""
    size = 0
    for index, one in enumerate(shown):
        size += len(one.body)
        if size > LARGEST_BODIES and index:
            return shown[:index]
    return shown


async def _shown(pool: asyncpg.Pool, rows: list[asyncpg.Record]) -> list[Shown]:
    details = await recent.details(pool, rows) if rows else {}
    return [_one(row, details[row["id"]]) for row in rows if row["id"] in details]


def _one(row: asyncpg.Record, more: asyncpg.Record) -> Shown:
    event = Event(
        row["event_id"], more["account_id"], more["event_type"], more["job_id"], more["event_time_ns"], more["data"]
    )
    return Shown(
        id=row["id"],
        event_id=row["event_id"],
        subscription_id=more["subscription_public_id"],
        account_identifier=more["account_identifier"],
        event_type=more["event_type"],
        job_id=more["job_id"],
        state=row["state"],
        reason=row["reason"],
        attempts=row["attempts"],
        last_status_code=more["last_status_code"] or 0,
        published_at=row["published_at"],
        finished_at=row["finished_at"],
        body=render_body(event, more["subscription_public_id"], row["webhook_name"]) if event.data else b"",
        test=row["test"],
        next_attempt_at=more["next_attempt_at"],
        erased_at=more["erased_at"],
    )
