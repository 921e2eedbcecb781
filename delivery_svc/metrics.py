"""What delivery_svc measures. Times in seconds; no label ever holds an id or a URL.

| metric                                  | kind      | labels          | what                                              |
|-----------------------------------------|-----------|-----------------|---------------------------------------------------|
| runhook_delivery_latency_seconds        | histogram | stage           | `answer`: an attempt's POST; `first_attempt`: from publish to the start of the first attempt; `end_to_end`: from publish to success |
| runhook_delivery_retries_total          | counter   |                 | attempts that were not a delivery's first         |
| runhook_delivery_attempts_total         | counter   | outcome, status | attempts by outcome and status class (2xx, none)  |
| runhook_delivery_finished_total         | counter   | state           | deliveries that are done                          |
| runhook_delivery_published_events_total | counter   |                 | events stored                                     |
| runhook_delivery_in_flight              | gauge     |                 | POSTs under way                                   |
| runhook_delivery_held                   | gauge     |                 | deliveries in this pod's hands                    |
| runhook_delivery_waiting                | gauge     |                 | of these, waiting in lanes                        |
| runhook_delivery_backlog                | gauge     |                 | 1 while publish leases nothing                    |
| runhook_delivery_parked_total           | counter   |                 | rows handed back because their lane was full      |
| runhook_delivery_rescued_total          | counter   |                 | rows freed of dead epochs                         |
| runhook_delivery_fenced_total           | counter   |                 | times this pod lost its epoch                     |
| runhook_delivery_deactivated_total      | counter   |                 | subscriptions set inactive because they fail      |
| runhook_delivery_breaker_opened_total   | counter   |                 | times a breaker opened, after failed probes too   |
| runhook_delivery_breakers_open          | gauge     |                 | breakers that are not closed, sampled             |
| runhook_delivery_due                    | gauge     |                 | free rows that are due, sampled                   |
| runhook_delivery_oldest_due_age_seconds | gauge     |                 | age of the oldest of them, sampled                |
| runhook_sender_connections              | gauge     |                 | open connections to endpoints                     |

Beside these stand the chassis's: runhook_grpc_*, runhook_group_*, runhook_loop_*.
"""  # noqa: E501 - a table's row is one line

from collections import Counter as Tally

from prometheus_client import Counter, Gauge, Histogram

from delivery_svc.delivery import Attempt, Settled
from delivery_svc.retry import Outcome

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
LATENCY = Histogram("runhook_delivery_latency_seconds", "Latency of deliveries, by stage.", ["stage"], buckets=BUCKETS)
ATTEMPTS = Counter("runhook_delivery_attempts_total", "Attempts made.", ["outcome", "status"])
RETRIES = Counter("runhook_delivery_retries_total", "Attempts that were not the first of their delivery.")
FINISHED = Counter("runhook_delivery_finished_total", "Deliveries that are done.", ["state"])
PUBLISHED = Counter("runhook_delivery_published_events_total", "Events stored.")
IN_FLIGHT = Gauge("runhook_delivery_in_flight", "POSTs under way.")
HELD = Gauge("runhook_delivery_held", "Deliveries in this pod's hands.")
WAITING = Gauge("runhook_delivery_waiting", "Deliveries that wait in lanes.")
BACKLOG = Gauge("runhook_delivery_backlog", "1 while publish leases nothing.")
PARKED = Counter("runhook_delivery_parked_total", "Rows handed back because their lane was full.")
RESCUED = Counter("runhook_delivery_rescued_total", "Rows freed of dead epochs.")
FENCED = Counter("runhook_delivery_fenced_total", "Times this pod lost its epoch.")
DEACTIVATED = Counter("runhook_delivery_deactivated_total", "Subscriptions set inactive because they fail.")
BREAKER_OPENED = Counter("runhook_delivery_breaker_opened_total", "Times a breaker opened.")
BREAKERS_OPEN = Gauge("runhook_delivery_breakers_open", "Breakers that are not closed.")
DUE = Gauge("runhook_delivery_due", "Free rows that are due.")
OLDEST_DUE_AGE = Gauge("runhook_delivery_oldest_due_age_seconds", "Age of the oldest free row that is due.")
CONNECTIONS = Gauge("runhook_sender_connections", "Open connections to endpoints.")

# labels() costs more than the observation: children are bound once.
_ANSWER, _FIRST, _END_TO_END = (LATENCY.labels(stage) for stage in ("answer", "first_attempt", "end_to_end"))
_STATUS = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
_ATTEMPTS = {(outcome, status): ATTEMPTS.labels(outcome.value, status) for outcome in Outcome for status in _STATUS}
_FINISHED = {state: FINISHED.labels(state) for state in ("SUCCEEDED", "FAILED", "CANCELLED")}


def observe(group: list[Settled]) -> None:
    """Counts what became of the deliveries of a group; counters move once a group, histograms must see every time."""
    attempts: Tally[tuple[Outcome, str]] = Tally()
    finished: Tally[str] = Tally()
    parked = retries = 0
    for settled in group:
        if settled.state is not None:
            finished[settled.state] += 1
        parked += settled.parked
        attempt = settled.attempt
        if attempt is not None:
            attempts[attempt.outcome, _STATUS[min(attempt.exchange.status_code // 100, 5)]] += 1
            retries += attempt.number > 1
            _observe_times(attempt, settled)
    for key, count in attempts.items():
        _ATTEMPTS[key].inc(count)
    for state, count in finished.items():
        _FINISHED[state].inc(count)
    PARKED.inc(parked)
    RETRIES.inc(retries)


def _observe_times(attempt: Attempt, settled: Settled) -> None:
    seconds = attempt.exchange.duration
    _ANSWER.observe(seconds)
    began = max(0.0, (attempt.began_us - settled.delivery.published_us) / 1_000_000)
    if attempt.number == 1:
        _FIRST.observe(began)
    if settled.state == "SUCCEEDED":
        _END_TO_END.observe(began + seconds)
