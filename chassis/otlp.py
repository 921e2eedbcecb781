"""Spans as OpenTelemetry makes them, sent by OTLP over gRPC in the background. Imported only where traces are on.

Endpoint, headers, certificate, timeout, sampler, batch and resource are set by the standard OTEL_ variables, which the SDK
reads itself. Invariant: a collector that is slow or away costs spans, never a request: the queue is bounded, and so is the
wait at the end.
"""

import random
import re
import threading
from collections.abc import Iterable, Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from chassis.logs import get_logger
from chassis.tracing import Kind, Span, Value

log = get_logger()
LAST_FLUSH_SECONDS = 3.0
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_KINDS: dict[Kind, SpanKind] = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


class OtlpTracer:
    """A tracing.Tracer."""

    def __init__(self, process: str, pod: str, environ: Mapping[str, str]) -> None:
        if protocol := next((environ[name] for name in _PROTOCOLS if environ.get(name, "grpc") != "grpc"), None):
            log.warning("tracing.protocol", protocol=protocol, hint="spans are sent by OTLP over gRPC all the same")
        self._ids = _Ids()
        self._provider = TracerProvider(
            resource=_resource(process, pod, environ), id_generator=self._ids, shutdown_on_exit=False
        )
        self._exporter = OTLPSpanExporter()
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("runhook")

    def begin(
        self,
        name: str,
        kind: Kind,
        *,
        parent: str,
        links: Iterable[str],
        attributes: Mapping[str, Value] | None,
        since_ns: int | None,
        ids: tuple[int, int] | None,
    ) -> Span | None:
        """See tracing.begin."""
        above = _context(parent)
        if above is not None and not above.trace_flags.sampled:
            return None  # as nearly all are where few are sampled: the sampler would say the same
        self._ids.chosen = ids
        try:
            span = self._tracer.start_span(
                name,
                context=Context() if above is None else trace.set_span_in_context(NonRecordingSpan(above), Context()),
                kind=_KINDS[kind],
                attributes=attributes,
                links=[trace.Link(other) for other in map(_context, links) if other is not None],
                start_time=since_ns,
            )
        finally:
            self._ids.chosen = None
        return _OtlpSpan(span) if span.is_recording() else None

    def samples(self, trace_id: int) -> bool:
        """See tracing.samples."""
        decision = self._provider.sampler.should_sample(None, trace_id, "").decision
        return decision is Decision.RECORD_AND_SAMPLE

    def close(self) -> None:
        """See tracing.close. In a thread that dies with the process: the SDK would wait for half a minute."""
        last = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        last.start()
        last.join(LAST_FLUSH_SECONDS)
        if last.is_alive():
            self._exporter.shutdown()  # ends its retries, and with them the thread
            last.join(1.0)


class _OtlpSpan:
    __slots__ = ("_span", "traceparent")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, attributes: Mapping[str, Value]) -> None:
        self._span.set_attributes(attributes)

    def link(self, traceparent: str) -> None:
        other = _context(traceparent)
        if other is not None:
            self._span.add_link(other)

    def end(self, error: str = "", *, at_ns: int | None = None) -> None:
        if error:
            self._span.set_status(Status(StatusCode.ERROR, error))
        self._span.end(at_ns)


class _Ids(IdGenerator):
    """Random ids, but for a span whose ids are `chosen`: trace and span. Spans are begun by one thread alone."""

    def __init__(self) -> None:
        self.chosen: tuple[int, int] | None = None

    def generate_trace_id(self) -> int:
        return self.chosen[0] if self.chosen else random.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        return self.chosen[1] if self.chosen else random.getrandbits(64) or 1


def _context(traceparent: str) -> SpanContext | None:
    parsed = _TRACEPARENT.fullmatch(traceparent)
    if parsed is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in parsed.groups())
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))


def _resource(process: str, pod: str, environ: Mapping[str, str]) -> Resource:
    """What the process is. A name that the standard variables give it stands."""
    named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    attributes = {"service.namespace": "runhook", "service.instance.id": pod}
    return Resource.create(attributes if named else {**attributes, "service.name": process})
