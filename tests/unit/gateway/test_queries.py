"""Wrong and right queries: every parameter that is wrong is named at once."""

import pytest

from gateway.api.deliveries import DeliveriesQuery
from gateway.http_errors import HttpError
from gateway.paging import OffsetQuery, PageQuery
from gateway.shapes import parse

COUNT = "must be a whole number, 0 or above"
TIME = "must be an RFC 3339 time such as 2026-01-31T19:29:35.789265936Z"
STATE = "must be one of PENDING, DELIVERING, SUCCEEDED, FAILED, CANCELLED"


def test_a_query_that_says_nothing_asks_for_the_first_page() -> None:
    offset = parse(OffsetQuery, {})
    assert (offset.limit, offset.offset) == (10, 0)
    page = parse(PageQuery, {"unknown": "x"})
    assert (page.page_size, page.page_token) == (0, "")


def test_more_than_a_service_can_be_asked_for_is_the_most_that_it_can() -> None:
    assert parse(PageQuery, {"page_size": str(2**63 - 1)}).page_size == 2**31 - 1


def test_a_search_is_read_as_it_is_written() -> None:
    query = parse(
        DeliveriesQuery, {"subscription_id": "wsu_1", "state": "FAILED", "published_after": "1970-01-01T00:00:01Z"}
    )
    assert (query.subscription_id, query.state, query.published_before) == ("wsu_1", "FAILED", None)
    assert query.published_after is not None
    assert query.published_after.seconds == 1


def test_all_that_is_wrong_is_named() -> None:
    sent = {"state": "failed", "published_after": "now", "published_before": "", "page_size": "-1"}
    with pytest.raises(HttpError) as caught:
        parse(DeliveriesQuery, sent)
    assert {bad.field: bad.message for bad in caught.value.fields} == {
        "subscription_id": "required key not provided",
        "state": STATE,
        "published_after": TIME,
        "published_before": TIME,
        "page_size": COUNT,
    }
