"""The client's pieces that need no server: how it is made, what it loads, what it turns into messages."""

import pickle
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import runhook
from runhook import errors
from runhook.events import job_run_event
from runhook.messages import RunStatus
from runhook.retry import RetryPolicy, next_delay
from runhook.timestamps import duration_of, timestamp_of

ROOT = Path(__file__).parents[3]
AWAY = errors.Unavailable("UNAVAILABLE", "nobody there")


def test_verification_is_loaded_without_grpc_or_protobuf() -> None:
    program = "import sys, runhook.verify, runhook.errors\nprint({'grpc', 'google.protobuf'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"


def test_every_public_name_is_there() -> None:
    assert {name for name in runhook.__all__ if getattr(runhook, name) is None} == set()
    with pytest.raises(AttributeError, match="no attribute 'Clint'"):
        _ = runhook.Clint  # type: ignore[attr-defined]


def test_both_distributions_have_one_version() -> None:
    platform = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert runhook.__version__ == platform


@pytest.mark.parametrize("credentials", [{}, {"token": " "}, {"token": "a", "service_credential": "b"}])
def test_a_client_has_exactly_one_credential(credentials: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="one of the two"):
        runhook.Client("127.0.0.1:1", **credentials)  # type: ignore[arg-type]


async def test_a_service_without_a_target_is_named_when_it_is_called() -> None:
    async with runhook.Client(delivery_svc="127.0.0.1:1", token="t") as client:
        with pytest.raises(ValueError, match="subscription_svc"):
            await client.subscriptions.get(1, "wsu_1")


def test_a_client_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(ValueError, match="go together"):
        runhook.Tls(client_certificate=b"pem")
    assert "secret" not in repr(runhook.Tls(client_certificate=b"pem", client_key=b"secret"))


def test_delays_double_up_to_the_longest_and_spread() -> None:
    policy = RetryPolicy(first_delay=1, longest_delay=5)
    assert [next_delay(n, AWAY, policy, 0.5) for n in (1, 2, 3, 4, 5000)] == [1, 2, 4, 5, 5]
    assert (next_delay(3, AWAY, policy, 0.0), next_delay(3, AWAY, policy, 1.0)) == (2, 6)


@pytest.mark.parametrize(
    ("error", "repeated"),
    [
        (AWAY, True),
        (errors.ResourceExhausted("RESOURCE_EXHAUSTED", "full", retry_after=1), True),
        (errors.ResourceExhausted("RESOURCE_EXHAUSTED", "500 subscriptions"), False),
        (errors.DeadlineExceeded("DEADLINE_EXCEEDED", "late"), False),
        (errors.InvalidInput("INVALID_ARGUMENT", "wrong", retry_after=1), False),
        (errors.RunhookError("INTERNAL", "broken"), False),
    ],
)
def test_only_what_passes_by_itself_is_repeated(error: errors.RunhookError, repeated: bool) -> None:
    assert (next_delay(1, error, RetryPolicy(), 0.5) is not None) == repeated


def test_a_retry_policy_that_waits_for_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="first_delay"):
        RetryPolicy(first_delay=0)


def test_an_error_reads_well_and_survives_pickling() -> None:
    error = errors.NotFound("NOT_FOUND", "no such thing", reason="TASK_NOT_FOUND", fields=[errors.BadField("a", "b")])
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "NOT_FOUND (TASK_NOT_FOUND): no such thing"
    assert (type(again), again.reason, again.fields) == (errors.NotFound, "TASK_NOT_FOUND", (("a", "b"),))


def test_an_event_is_made_of_plain_values() -> None:
    ended = datetime(2026, 11, 22, 8, tzinfo=UTC)
    event = job_run_event(
        "job.run.errored",
        account_id=1,
        job_id=7,
        run_id=70,
        environment_id=3,
        project_id=4,
        run_status="Errored",
        run_finish_time=ended,
    )
    assert event.job_run.run_status == RunStatus.RUN_STATUS_ERRORED
    assert event.job_run.run_finish_time.ToDatetime(UTC) == ended
    assert not event.job_run.HasField("run_start_time")
    assert not event.HasField("event_time")


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        timestamp_of(datetime(2026, 11, 22))


def test_times_and_lengths_keep_their_microseconds() -> None:
    moment = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)
    stamp, length = timestamp_of(moment), duration_of(timedelta(hours=36, microseconds=1))
    assert stamp is not None
    assert length is not None
    assert stamp.ToDatetime(UTC) == moment
    assert length.ToTimedelta() == timedelta(hours=36, microseconds=1)
    assert (timestamp_of(None), duration_of(None)) == (None, None)
