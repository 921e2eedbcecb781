"""An OTLP collector inside a test: a real gRPC server that keeps the spans which processes send it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

WAIT_SECONDS = 20.0
#: Spans are sent as soon as they end.
AT_ONCE = {"OTEL_BSP_SCHEDULE_DELAY": "50"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A span that came. Ids are lower-case hex; `parent` is "" for the first of its trace, `links` are traces and spans."""

    process: str
    name: str
    trace: str
    span: str
    parent: str
    links: tuple[tuple[str, str], ...]
    attributes: dict[str, str | int]
    failed: bool
    seconds: float


class Collector(TraceServiceServicer):
    """Listens on a loopback port of its own; `endpoint` is what OTEL_EXPORTER_OTLP_ENDPOINT has to be."""

    def __init__(self) -> None:
        self.endpoint = ""
        self._spans: list[Seen] = []
        self._news = threading.Condition()

    def Export(self, request: ExportTraceServiceRequest, context: grpc.ServicerContext) -> ExportTraceServiceResponse:
        """Keeps what came."""
        seen = [
            _seen(_text(group.resource.attributes)["service.name"], span)
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]
        with self._news:
            self._spans += seen
            self._news.notify_all()
        return ExportTraceServiceResponse()

    def span(self, wanted: Callable[[Seen], bool]) -> Seen:
        """Waits for a span; the first that came of those that are wanted."""
        with self._news:
            self._news.wait_for(lambda: any(map(wanted, self._spans)), WAIT_SECONDS)
            found = next(filter(wanted, self._spans), None)
            assert found is not None, [(one.process, one.name, one.trace, one.span, one.parent) for one in self._spans]
            return found

    def named(self, name: str, trace: str) -> Seen:
        """The span of that name in that trace."""
        return self.span(lambda one: (one.name, one.trace) == (name, trace))

    def of(self, span: str) -> Seen:
        """The span of that id."""
        return self.span(lambda one: one.span == span)

    def pointing_to(self, other: Seen, name: str) -> Seen:
        """The span of that name whose only link leads to that one."""
        return self.span(lambda one: one.name == name and one.links == ((other.trace, other.span),))

    def above(self, below: Seen) -> Seen:
        """The parent of a span."""
        return self.span(lambda one: (one.trace, one.span) == (below.trace, below.parent))

    @property
    def traces(self) -> set[str]:
        """Of all spans that came until now."""
        with self._news:
            return {one.trace for one in self._spans}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector for as long as the block lasts."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(4))
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()


def _seen(process: str | int, span: SpanMessage) -> Seen:
    return Seen(
        process=str(process),
        name=span.name,
        trace=span.trace_id.hex(),
        span=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        attributes=_text(span.attributes),
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


def _text(attributes: object) -> dict[str, str | int]:
    found = {}
    for one in attributes:  # type: ignore[attr-defined]
        value = one.value
        found[one.key] = value.string_value if value.HasField("string_value") else value.int_value
    return found
