"""The load's events have the promised size and spread over all endpoints."""

import json
from collections import Counter

import pytest

from bench.payload import BODY_BYTES, Load, rendered

STAMP_NS = 1_795_325_372_123_456_789


@pytest.mark.parametrize("account_id", [1, 66847, 2**62])
def test_the_delivered_body_has_700_bytes_whatever_the_account(account_id: int) -> None:
    load = Load(account_id=account_id, first_job_id=1_234_567_890, endpoints=100, prefix="t")
    body = rendered(load, 42, STAMP_NS, load.event(42, STAMP_NS).job_run.job_name)
    assert len(body) == BODY_BYTES
    assert json.loads(body)["data"]["jobId"] == "1234567932"


def test_every_batch_goes_on_where_the_one_before_ended_so_that_all_endpoints_are_hit() -> None:
    load = Load(account_id=1, first_job_id=1_000, endpoints=100, prefix="t")
    jobs = Counter(load.event(number, STAMP_NS).job_run.job_id for number in range(1000))
    assert set(jobs) == set(range(1_000, 1_100))
    assert set(jobs.values()) == {10}


def test_request_ids_of_a_load_differ_from_each_other_and_from_another_loads() -> None:
    loads = [Load(account_id=1, first_job_id=1, endpoints=3, prefix=prefix) for prefix in ("a-1", "a-2")]
    ids = {load.event(number, STAMP_NS).request_id for load in loads for number in range(50)}
    assert len(ids) == 100
    assert all(len(request_id) <= 128 for request_id in ids)
