"""The event that a test sends: a made-up, completed run of the normal shape.

Its values are fixed and not the account's own, as the vendor's are; its times are the moment's, so that a receiver that
checks for skew takes it.
"""

from chassis.ids import ksuid
from delivery_svc.event import SECOND, Event, EventType, JobRun, render_data

HOUR = 3600


def sample_event(account_id: int, now_us: int) -> Event:
    """A new event, under a new id, as if the run had ended now after an hour's work."""
    seconds = now_us // 1_000_000
    run = JobRun(
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
        run_started_at=seconds - HOUR,
        run_finished_at=seconds,
    )
    return Event(
        "wev_" + ksuid(seconds),
        account_id,
        EventType.COMPLETED,
        run.job_id,
        now_us * (SECOND // 1_000_000),
        render_data(EventType.COMPLETED, run),
    )
