"""What delivery_svc measures. The sentence beside each name is what /metrics says as HELP, and docs/metrics.md as well.

Times are seconds, and no label ever holds an id or a URL. `observe` sees every delivery: it walks a group once and touches
each metric once a group. What stands in tables or in the rooms' hands is looked at by surveyor.py, never counted as it moves.
"""

from collections import Counter as Tally
from functools import cache

from prometheus_client import Counter, Gauge

from chassis.histogram import GroupHistogram
from delivery_svc.delivery import Attempt, Settled
from delivery_svc.retry import Outcome

BUCKETS = (
    *(0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.045, 0.06, 0.08, 0.12),
    *(0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
LATENCY = GroupHistogram(
    "runhook_delivery_latency_seconds",
    "Times of deliveries by stage: `answer`, an attempt from its beginning to the answer's end; `first_attempt`, from publish "
    "to the beginning of the first attempt, which is this platform's own delay; `end_to_end`, from publish to success.",
    ["stage"],
    buckets=BUCKETS,
)
ATTEMPTS = Counter(
    "runhook_delivery_attempts_total",
    "Recorded attempts by outcome (succeeded, retryable) and class of the answer's status: 2xx, 3xx, 4xx, 5xx, other, or "
    "none without an answer.",
    ["outcome", "status"],
)
ATTEMPT_ERRORS = Counter(
    "runhook_delivery_attempt_errors_total",
    "Recorded attempts without an answer by class of error (dns, address_denied, connect, tls, timeout, reset, protocol, "
    "shutdown, internal) and the phase that they ended in: resolve, connect, tls, write, answer, body, or none.",
    ["error", "phase"],
)
RETRIES = Counter(
    "runhook_delivery_retries_total",
    "Attempts that were not their delivery's first; near the rate of attempts, most of what is sent is sent again.",
)
FINISHED = Counter(
    "runhook_delivery_finished_total", "Deliveries that are done: SUCCEEDED, FAILED or CANCELLED.", ["state"]
)
PUBLISHED = Counter("runhook_delivery_published_events_total", "Events stored.")
IN_FLIGHT = Gauge("runhook_delivery_in_flight", "POSTs under way; at RUNHOOK_DELIVERY_SLOTS for long, more pods help.")
HELD = Gauge(
    "runhook_delivery_held",
    "Deliveries that are leased to this pod: they wait in lanes, are in flight, or are being recorded; the sum over the pods "
    "is what is leased.",
)
WAITING = Gauge("runhook_delivery_waiting", "Of those, the ones that wait in lanes.")
BACKLOG = Gauge(
    "runhook_delivery_backlog", "1 while publish leases nothing to this pod, because older ones wait for its room."
)
PARKED = Counter(
    "runhook_delivery_parked_total",
    "Rows handed back because their lane was full or its breaker open; those born parked are not among them.",
)
RESCUED = Counter(
    "runhook_delivery_rescued_total", "Rows freed of dead pods; each may have been sent already, so may go twice."
)
FENCED = Counter(
    "runhook_delivery_fenced_total",
    "Times that this pod was declared dead and lost its leases; more than none means stalls beyond "
    "RUNHOOK_DELIVERY_DEAD_AFTER_SECONDS.",
)
ERASED = Counter("runhook_delivery_erased_events_total", "Events whose stored body was erased.")
DEACTIVATED = Counter("runhook_delivery_deactivated_total", "Subscriptions set inactive because they fail.")
BREAKER_OPENED = Counter(
    "runhook_delivery_breaker_opened_total", "Times that a breaker opened, those after a failed probe among them."
)
BREAKERS = Gauge(
    "runhook_delivery_breakers",
    "Lanes by the state of their breaker: closed, open, or half_open when its time is over and the next attempt is the probe.",
    ["state"],
)
DUE = Gauge("runhook_delivery_due", "Free rows that are due; above 0 for long, the pods together are too slow.")
OLDEST_DUE_AGE = Gauge(
    "runhook_delivery_oldest_due_age_seconds",
    "For how long the oldest of them is due; more than a few seconds means that the pods do not keep up, or do not claim.",
)
SCHEDULED = Gauge("runhook_delivery_scheduled", "Free rows that are due later: retries that wait for their time.")
PARKED_ROWS = Gauge(
    "runhook_delivery_parked_rows", "Rows that wait for room in their lane, or for its breaker to close."
)
PARKED_LANES = Gauge("runhook_delivery_parked_lanes", "Lanes that have such rows.")
RECOVERIES = Gauge("runhook_delivery_recoveries_running", "Recoveries that are not done.")
ERASURES = Gauge("runhook_delivery_erasures_running", "Erasures that are not done.")
CONNECTIONS = Gauge("runhook_sender_connections", "Open connections to endpoints, idle ones among them.")
IDLE_CONNECTIONS = Gauge("runhook_sender_idle_connections", "Of those, the ones kept for a next request.")
DIALED = Counter(
    "runhook_sender_dialed_total",
    "Connections to endpoints that were opened; near the rate of attempts, endpoints do not keep theirs, or too few idle ones "
    "are kept (RUNHOOK_DELIVERY_IDLE_CONNECTIONS).",
)
REUSED = Counter("runhook_sender_reused_total", "POSTs that went over a kept connection.")

# labels() costs more than the observation: children are bound once.
_ANSWER, _FIRST, _END_TO_END = (LATENCY.labels(stage) for stage in ("answer", "first_attempt", "end_to_end"))
_SUCCEEDED = ATTEMPTS.labels(Outcome.SUCCEEDED.value, "2xx")
_STATUS = ("none", "other", "2xx", "3xx", "4xx", "5xx")
_FAILED = {status: ATTEMPTS.labels(Outcome.RETRYABLE.value, status) for status in _STATUS}
_FINISHED = {state: FINISHED.labels(state) for state in ("SUCCEEDED", "FAILED", "CANCELLED")}
BREAKERS_CLOSED, BREAKERS_OPEN, BREAKERS_HALF_OPEN = (BREAKERS.labels(one) for one in ("closed", "open", "half_open"))


def observe(group: list[Settled]) -> None:
    """Counts what became of the deliveries of a group."""
    answers: list[float] = []
    first_attempts: list[float] = []
    ends: list[float] = []
    failed: list[Attempt] = []
    others: list[Settled] = []
    for settled in group:
        attempt = settled.attempt
        if attempt is None:
            others.append(settled)
            continue
        seconds = attempt.exchange.duration
        answers.append(seconds)
        began = (attempt.began_us - settled.delivery.published_us) / 1_000_000
        if began < 0:  # the pods' reckonings of the database's clock differ by a little
            began = 0.0
        if attempt.number == 1:
            first_attempts.append(began)
        if settled.state == "SUCCEEDED":
            ends.append(began + seconds)
        else:
            failed.append(attempt)
            others.append(settled)
    _ANSWER.observe_all(answers)
    _FIRST.observe_all(first_attempts)
    _END_TO_END.observe_all(ends)
    RETRIES.inc(len(answers) - len(first_attempts))
    _SUCCEEDED.inc(len(ends))
    _FINISHED["SUCCEEDED"].inc(len(ends))
    if others:
        _observe_failed(failed)
        _observe_others(others)


def _observe_failed(attempts: list[Attempt]) -> None:
    exchanges = [attempt.exchange for attempt in attempts]
    for status, count in Tally(_status_class(exchange.status_code) for exchange in exchanges).items():
        _FAILED[status].inc(count)
    unanswered = Tally((exchange.error.value, exchange.phase) for exchange in exchanges if not exchange.status_code)
    for (error, phase), count in unanswered.items():
        _errors(error, phase or "none").inc(count)


def _observe_others(group: list[Settled]) -> None:
    for state, count in Tally(settled.state for settled in group if settled.state is not None).items():
        _FINISHED[state].inc(count)
    PARKED.inc(sum(settled.parked for settled in group))


def _status_class(status_code: int) -> str:
    if not status_code:
        return "none"
    return f"{status_code // 100}xx" if 200 <= status_code < 600 else "other"


@cache
def _errors(error: str, phase: str) -> Counter:
    return ATTEMPT_ERRORS.labels(error, phase)
