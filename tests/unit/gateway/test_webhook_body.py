"""Wrong and right types for every field of a webhook (contract/outbound.md, sections 1.1 and 3)."""

from typing import Any

import pytest

from gateway.api.webhooks import WebhookBody
from gateway.http_errors import HttpError
from gateway.shapes import parse

REQUIRED = {"name": "n", "event_types": ["job.run.started"], "client_url": "https://example.com", "active": True}

JOB_IDS = [
    ([1, "2", 3], [1, 2, 3]),
    (["007"], [7]),
    (5, [5]),
    (None, []),
    ([], []),
    ([-1, 0], [-1, 0]),  # of the right type; the service refuses them
    ([2**63 - 1], [2**63 - 1]),
]

WRONG: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"name": 5}, {"name": "must be a string"}),
    ({"name": None}, {"name": "must be a string"}),
    ({"description": ["d"]}, {"description": "must be a string"}),
    ({"client_url": {}}, {"client_url": "must be a string"}),
    ({"active": "true"}, {"active": "must be true or false"}),
    ({"active": 1}, {"active": "must be true or false"}),
    ({"active": None}, {"active": "must be true or false"}),
    ({"event_types": "job.run.started"}, {"event_types": "must be an array"}),
    ({"event_types": None}, {"event_types": "must be an array"}),
    ({"event_types": ["job.run.started", 5]}, {"event_types[1]": "must be a string"}),
    ({"job_ids": "5"}, {"job_ids": "must be an array"}),
    ({"job_ids": True}, {"job_ids": "must be an array"}),
    ({"job_ids": {"1": 1}}, {"job_ids": "must be an array"}),
    ({"job_ids": list(range(10_001))}, {"job_ids": "must have at most 10,000 entries"}),
]
NUMBER = "must be a whole number or a string of digits, within 64 bits"
ODD_JOB_IDS: list[Any] = [1.0, True, None, "", "-1", "1.0", " 1", "x", "٣", [], 2**63, str(2**63)]


@pytest.mark.parametrize(("sent", "read"), JOB_IDS)
def test_job_ids_come_in_every_form_that_clients_send(sent: Any, read: list[int]) -> None:
    assert parse(WebhookBody, REQUIRED | {"job_ids": sent}).job_ids == read


@pytest.mark.parametrize("odd", ODD_JOB_IDS)
def test_a_job_id_is_nothing_else(odd: Any) -> None:
    with pytest.raises(HttpError) as caught:
        parse(WebhookBody, REQUIRED | {"job_ids": [1, odd]})
    assert [(bad.field, bad.message) for bad in caught.value.fields] == [("job_ids[1]", NUMBER)]


@pytest.mark.parametrize(("change", "fields"), WRONG)
def test_a_wrong_type_is_named(change: dict[str, Any], fields: dict[str, str]) -> None:
    with pytest.raises(HttpError) as caught:
        parse(WebhookBody, REQUIRED | change)
    assert {bad.field: bad.message for bad in caught.value.fields} == fields


def test_all_four_required_keys_are_missed_at_once() -> None:
    with pytest.raises(HttpError) as caught:
        parse(WebhookBody, {})
    missing = "required key not provided"
    assert {bad.field: bad.message for bad in caught.value.fields} == dict.fromkeys(REQUIRED, missing)


def test_output_only_and_unknown_keys_are_ignored() -> None:
    ignored = {"id": 5, "http_status_code": 1, "dispatched_at": [], "account_id": {}, "surprise": None}
    assert parse(WebhookBody, REQUIRED | ignored) == parse(WebhookBody, REQUIRED)


def test_a_flood_of_wrong_entries_names_a_hundred_at_most() -> None:
    with pytest.raises(HttpError) as caught:
        parse(WebhookBody, REQUIRED | {"job_ids": ["x"] * 10_000})
    assert len(caught.value.fields) == 100
