"""What the gateway counts, beside what chassis counts of every process.

| name | kind | labels | what |
|---|---|---|---|
| runhook_gateway_requests_total | counter | route, method, status | status is a class such as 2xx, or "aborted" |
| runhook_gateway_request_seconds | histogram | route | time from the request's head to its answer's end |
| runhook_gateway_connections | gauge | | open connections, TLS handshakes included |
| runhook_gateway_body_bytes | gauge | | bytes held of bodies whose requests are not answered |
| runhook_gateway_refused_total | counter | reason | connections and requests that no app or service ever saw |
| runhook_gateway_certificate_expiry_seconds | gauge | | when the certificate in use ends, as Unix time; 0 without TLS |
| runhook_gateway_calls_in_flight | gauge | | inbound calls that wait for their commit |
| runhook_gateway_calls_in_flight_bytes | gauge | | memory reserved for them |

`route` is a template of the route table, "unmatched" where none fits. `reason` is connections, connections_of_address,
tls_handshake, head_too_slow, head_too_large, target_too_long, malformed, expectation_unknown, encoding_unknown, bodies,
reader_too_slow, token_rate or failure_rate.
"""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("runhook_gateway_requests_total", "HTTP requests.", ["route", "method", "status"])
SECONDS = Histogram("runhook_gateway_request_seconds", "Time of an HTTP request.", ["route"])
CONNECTIONS = Gauge("runhook_gateway_connections", "Open connections.")
BODY_BYTES = Gauge("runhook_gateway_body_bytes", "Bytes held of bodies whose requests are not answered.")
REFUSED = Counter("runhook_gateway_refused_total", "What no app or service ever saw.", ["reason"])
CERTIFICATE_EXPIRY = Gauge("runhook_gateway_certificate_expiry_seconds", "When the certificate in use ends.")
CALLS_IN_FLIGHT = Gauge("runhook_gateway_calls_in_flight", "Inbound calls that wait for their commit.")
CALLS_IN_FLIGHT_BYTES = Gauge("runhook_gateway_calls_in_flight_bytes", "Memory reserved for inbound calls.")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@cache
def _requests(route: str, method: str, status: str) -> Counter:
    return REQUESTS.labels(route, method, status)


@cache
def _seconds(route: str) -> Histogram:
    return SECONDS.labels(route)


def answered(route: str, method: str, status: int | None, seconds: float) -> None:
    """Counts one request. `status` is None when the client went away unanswered."""
    shown = "aborted" if status is None else f"{status // 100}xx"
    _requests(route, method if method in METHODS else "other", shown).inc()
    _seconds(route).observe(seconds)


def refused(reason: str) -> None:
    """Counts what was refused at the edge. `reason` is that of the error, of a small set."""
    REFUSED.labels(reason.lower()).inc()
