"""The payload, byte for byte: the contract's samples, times, and what needs escaping."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_svc.event import RUN_STATUS, Event, EventType, JobRun, nanosecond_text, render_data
from delivery_svc.payload import render_body

RUN = JobRun(
    job_id=123,
    job_name="Daily Job (dbt build)",
    run_id=12345,
    environment_id=1234,
    environment_name="Production",
    dbt_version="1.0.0",
    project_name="Snowflake Github Demo",
    project_id=167194,
    run_status_code=10,
    run_status_message="",
    run_reason="Kicked off from UI by test@test.com",
    run_started_at=1675193287,
    run_finished_at=1675193372,
)


def test_data_has_the_contracts_keys_in_its_order() -> None:
    assert list(json.loads(render_data("job.run.completed", RUN))) == [
        "jobId",
        "jobName",
        "runId",
        "environmentId",
        "environmentName",
        "dbtVersion",
        "projectName",
        "projectId",
        "runStatus",
        "runStatusCode",
        "runStatusMessage",
        "runReason",
        "runStartedAt",
        "runFinishedAt",
    ]


@pytest.mark.parametrize(
    ("event_type", "key"),
    [("job.run.completed", "runFinishedAt"), ("job.run.errored", "runErroredAt"), ("job.run.started", "runStartedAt")],
)
def test_the_last_key_tells_how_the_run_stands(event_type: str, key: str) -> None:
    assert list(json.loads(render_data(event_type, RUN)))[-1] == key


def test_a_run_without_a_start_leaves_the_key_out() -> None:
    assert "runStartedAt" not in json.loads(render_data("job.run.errored", replace(RUN, run_started_at=None)))


@pytest.mark.parametrize(
    ("unix_ns", "text"),
    [
        (1675193375789265936, "2023-01-31T19:29:35.789265936Z"),
        (1685345538066606170, "2023-05-29T07:32:18.06660617Z"),
        (1675193375000000000, "2023-01-31T19:29:35Z"),
        (1675193375000000001, "2023-01-31T19:29:35.000000001Z"),
        (0, "1970-01-01T00:00:00Z"),
    ],
)
def test_an_events_time_has_up_to_nine_digits_without_trailing_zeros(unix_ns: int, text: str) -> None:
    assert nanosecond_text(unix_ns) == text


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@given(job_name=_TEXT, message=_TEXT, webhook=_TEXT, status=st.sampled_from(sorted(RUN_STATUS)))
def test_whatever_stands_in_a_name_the_body_is_json_that_reads_back(
    job_name: str, message: str, webhook: str, status: int
) -> None:
    run = replace(RUN, job_name=job_name, run_status_message=message, run_status_code=status)
    event = Event("wev_x", 1, EventType.COMPLETED.value, 123, 0, render_data("job.run.completed", run))
    body = json.loads(render_body(event, "wsu_x", webhook))
    assert body["webhookName"] == webhook
    assert body["data"]["jobName"] == job_name
    assert body["data"]["runStatusMessage"] == (message or "None")
    assert body["data"]["runStatus"] == RUN_STATUS[status]


@pytest.mark.parametrize("name", ["job.run.started", "job.run.completed", "job.run.errored"])
def test_the_body_has_the_samples_keys_and_the_second_spelling_of_the_webhooks_id(name: str) -> None:
    sample = json.loads((Path(__file__).parents[3] / "examples" / "payloads" / f"{name}.json").read_text())
    event = Event(sample["eventId"], 1, name, 123, 0, render_data(name, RUN))
    body = json.loads(render_body(event, "wsu_12345abcde", "test"))
    assert list(body) == [
        "accountId",
        "webhooksID",
        "eventId",
        "timestamp",
        "eventType",
        "webhookId",
        "webhookName",
        "data",
    ]
    assert [key for key in body if key != "webhookId"] == list(sample)
    assert list(body["data"]) == list(sample["data"])
    assert {key: type(value) for key, value in sample["data"].items()} == {
        key: type(value) for key, value in body["data"].items()
    }
