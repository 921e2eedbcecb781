"""Outbound: three subscriptions, five events, and a receiver that believes nothing that is not signed."""

import time
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from examples.demo import payload
from examples.demo.product import request
from examples.demo.stage import Stage, Wish
from runhook.delivery.v1.event_pb2 import Event, JobRun

DELIVER_SECONDS = 20.0
WISHES = (
    Wish("/started", ("job.run.started",), None),
    Wish("/completed", ("job.run.completed",), None),
    Wish("/errored-of-job-123", ("job.run.errored",), "123"),
)
_EVENTS = "/api/v1/accounts/{account}/events"


def outbound(stage: Stage) -> None:
    """The journey of an event to those who asked for it."""
    story = stage.story
    story.step("Outbound: three subscriptions, made over REST")
    webhooks = [stage.subscribe(wish) for wish in WISHES]
    status, _ = request("POST", stage.inbox.url("/started"), b"{}", {"Authorization": "0" * 64})
    stage.forged += 1
    story.check("what the receiver answers to a POST that we forge", expected=401, came=status)

    story.step("The three sample events, published as one batch through gRPC")
    samples = [payload.sample(event_type) for event_type in payload.EVENT_TYPES]
    batch = [event_of(sample, stage.product.account_id) for sample in samples]
    published_at = time.time()
    event_ids = stage.product.publish(batch)
    tell(stage, samples, event_ids)
    stage.check_deliveries(published_at, DELIVER_SECONDS)
    for one in stage.delivered_to("/started"):
        story.say("one of them, as it came:")
        for name, value in one.headers:
            story.say(f"  {name}: {value}")
        story.say(f"  {one.body.decode()}")
    for wish, webhook, sample, event_id in zip(WISHES, webhooks, samples, event_ids, strict=True):
        bodies = [one.body for one in stage.delivered_to(wish.path)]
        expected = payload.body_of(sample, event_id=event_id, webhook=webhook)
        story.check(f"{wish.path} got what was published, to the byte", expected=[expected], came=bodies)

    story.step("The same batch again, and two events of another job through REST")
    again = stage.product.publish(batch)
    story.check("event ids of the same requests", expected=event_ids, came=again)
    others = [{**sample, "data": {**sample["data"], "jobId": "456"}} for sample in samples[1:]]
    published_at = time.time()
    answer = stage.product.ask("POST", _EVENTS, {"events": others})
    tell(stage, others, answer["eventIds"])
    stage.check_deliveries(published_at, DELIVER_SECONDS)


def tell(stage: Stage, events: list[dict[str, Any]], event_ids: list[str]) -> None:
    """Say what was published and make its deliveries due."""
    for event, event_id in zip(events, event_ids, strict=True):
        event_type, job_id, run_id = payload.about(event)
        stage.happen(event_type, job_id, run_id)
        stage.story.say(f"{event_id}  {event_type} of job {job_id}, run {run_id}")


def event_of(sample: dict[str, Any], account_id: int) -> Event:
    """The protobuf event whose delivery looks like the sample."""
    data = sample["data"]
    ended = data.get("runFinishedAt") or data.get("runErroredAt")
    return Event(
        account_id=account_id,
        event_type=sample["eventType"],
        request_id=f"demo-{sample['eventId']}",
        event_time=_time(sample["timestamp"]),
        job_run=JobRun(
            job_id=int(data["jobId"]),
            job_name=data["jobName"],
            run_id=int(data["runId"]),
            environment_id=int(data["environmentId"]),
            environment_name=data["environmentName"],
            dbt_version=data["dbtVersion"],
            project_name=data["projectName"],
            project_id=int(data["projectId"]),
            run_status=data["runStatusCode"],
            run_status_message=data["runStatusMessage"],
            run_reason=data["runReason"],
            run_start_time=_time(data["runStartedAt"]),
            run_finish_time=None if ended is None else _time(ended),
        ),
    )


def _time(text: str) -> Timestamp:
    moment = Timestamp()
    moment.FromJsonString(text)
    return moment
