"""Pages, in the two ways of this API: limit and offset on /api/v2 and v3, a size and a token on /api/v1."""

from typing import TypeVar

from chassis.errors import BadField
from gateway.http_errors import HttpError, bad_request
from gateway.numbers import Count, PageSize
from gateway.services import Method
from gateway.shapes import Shape
from gateway.visit import Visit

LARGEST_LIMIT = 100
Request = TypeVar("Request")
Answer = TypeVar("Answer")


class OffsetQuery(Shape):
    """At most `limit` entries (1 to 100) after the first `offset`."""

    limit: Count = 10
    offset: Count = 0


class PageQuery(Shape):
    """At most `page_size` entries, 0 meaning the service's own choice; `page_token` is `next_page_token` of the page before."""

    page_size: PageSize = 0
    page_token: str = ""


async def offset_query(visit: Visit, method: Method[Request, Answer], hopeless: Request) -> OffsetQuery:
    """The page that is asked for. HttpError 400 when there can be no such page."""
    query = await visit.query(OffsetQuery, method, hopeless)
    if query.limit > LARGEST_LIMIT:
        raise await visit.refusal(HttpError(400, f"Limit must not exceed {LARGEST_LIMIT}"), method, hopeless)
    if query.limit == 0:
        wrong = bad_request(BadField("limit", f"must be a whole number from 1 to {LARGEST_LIMIT}"))
        raise await visit.refusal(wrong, method, hopeless)
    return query


def extra(query: OffsetQuery, *, count: int, total_count: int) -> dict[str, object]:
    """What the envelope says of a page: how many it holds, how many there are in all, what was asked for."""
    return {
        "pagination": {"total_count": total_count, "count": count},
        "filters": {"offset": query.offset, "limit": query.limit},
    }
