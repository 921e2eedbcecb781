"""What the gateway measures, beside what the chassis does for every process.

The sentence beside each name is what /metrics says as HELP, and docs/metrics.md as well. `route` is a template of the route
table, such as /t/{token}, and `unmatched` where none fits; a reason is one of the edge's own. No label holds what a caller
chose.
"""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from chassis import histogram

REQUESTS = Counter(
    "runhook_gateway_requests_total",
    "HTTP requests by route, method and class of the status, such as 2xx, or aborted when the client left unanswered.",
    ["route", "method", "status"],
)
SECONDS = Histogram(
    "runhook_gateway_request_seconds",
    "Time from a request's head to its answer's end.",
    ["route"],
    buckets=histogram.SECONDS,
)
CONNECTIONS = Gauge(
    "runhook_gateway_connections",
    "Open connections, TLS handshakes included; at RUNHOOK_GATEWAY_CONNECTIONS the next ones are refused.",
)
BODY_BYTES = Gauge("runhook_gateway_body_bytes", "Bytes held of bodies whose requests are not answered.")
REFUSED = Counter(
    "runhook_gateway_refused_total",
    "Connections and requests that were refused before any app or service saw them, by reason: connections, "
    "connections_of_address, tls_handshake, head_too_slow, head_too_large, target_too_long, malformed, expectation_unknown, "
    "encoding_unknown, method_unknown, bodies, body_too_slow, reader_too_slow, token_rate, failure_rate, call_rate.",
    ["reason"],
)
CERTIFICATE_EXPIRY = Gauge(
    "runhook_gateway_certificate_expiry_seconds",
    "When the certificate in use ends, as Unix time; 0 without TLS. Less than two weeks ahead, its renewal fails.",
)
CALLS = Counter(
    "runhook_gateway_call_answered_total",
    "Inbound calls by their answer: accepted, duplicate, replied (what a sender expects instead of 204), refused (4xx: the "
    "sender's fault), throttled (429), unavailable (503). Their latency is runhook_gateway_request_seconds of /t/{token}.",
    ["answer"],
)
CALL_STREAMS = Gauge(
    "runhook_gateway_call_streams",
    "Streams to trigger_svc that are open; none while calls come means that they are all refused.",
)
CALL_STREAMS_BROKEN = Counter(
    "runhook_gateway_call_streams_broken_total",
    "Streams to trigger_svc that broke or could not be opened; the calls on them were told 503.",
)
CALLS_LOST = Counter(
    "runhook_gateway_call_lost_total",
    "Inbound calls that were told 503 because their stream broke or stayed silent: they may be stored all the same.",
)
CALLS_IN_FLIGHT = Gauge("runhook_gateway_calls_in_flight", "Inbound calls that wait for their commit.")
CALLS_IN_FLIGHT_BYTES = Gauge("runhook_gateway_calls_in_flight_bytes", "Memory reserved for those.")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@cache
def _requests(route: str, method: str, status: str) -> Counter:
    return REQUESTS.labels(route, method, status)


@cache
def _refused(reason: str) -> Counter:
    return REFUSED.labels(reason)


@cache
def _seconds(route: str) -> Histogram:
    return SECONDS.labels(route)


def answered(route: str, method: str, status: int | None, seconds: float) -> None:
    """Counts one request. `status` is None when the client went away unanswered."""
    shown = "aborted" if status is None else f"{status // 100}xx"
    _requests(route, method if method in METHODS else "other", shown).inc()
    _seconds(route).observe(seconds)


@cache
def calls(answer: str) -> Counter:
    """The child of CALLS."""
    return CALLS.labels(answer)


def call_refused(status: int) -> None:
    """Counts an inbound call that was answered with this status of 400 or more."""
    calls("throttled" if status == 429 else "unavailable" if status >= 500 else "refused").inc()


def refused(reason: str) -> None:
    """Counts what was refused at the edge. `reason` is that of the error, of a small set."""
    _refused(reason.lower()).inc()
