"""Errors on the wire: a domain error becomes a google.rpc.Status with details, and is read back at the other end.

The one place that knows both sides. ErrorInfo has our domain and reason, BadRequest the bad fields, RetryInfo the wait.
"""

from dataclasses import dataclass, field
from typing import cast

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from chassis.errors import BadField, DomainError, InvalidInput

DOMAIN = "runhook"
# Details travel as a header in base64, and clients take 8 KiB of headers by default: the rest is mended later.
FIELDS_BYTES = 4_000
MESSAGE_CHARACTERS = 500


def rpc_status_of(error: DomainError) -> grpc.Status:
    """What abort_with_status takes: code, message and details of the error."""
    number, _ = error.code.value
    details = [_pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata))]
    if isinstance(error, InvalidInput):
        details.append(_pack(_bad_request(error)))
    if error.retry_after is not None:
        details.append(_pack(error_details_pb2.RetryInfo(retry_delay=_duration(error.retry_after))))
    status = status_pb2.Status(code=number, message=error.message[:MESSAGE_CHARACTERS], details=details)
    return rpc_status.to_status(status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A failed call as its caller sees it. `reason` is empty and `fields` is () where the other side said nothing."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    fields: tuple[BadField, ...] = ()
    retry_after: float | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    """Reads a failed call's status and details back."""
    status = rpc_status.from_call(cast(grpc.Call, error))
    if status is None:
        return Refusal(code=error.code(), message=error.details() or "")
    info, bad, wait = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    retry_after = None
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
        if detail.Unpack(wait):
            retry_after = wait.retry_delay.seconds + wait.retry_delay.nanos / 1e9
    fields = tuple(BadField(one.field, one.description) for one in bad.field_violations)
    return Refusal(
        code=error.code(),
        message=status.message,
        reason=info.reason,
        fields=fields,
        retry_after=retry_after,
        metadata=dict(info.metadata),
    )


def _bad_request(error: InvalidInput) -> error_details_pb2.BadRequest:
    request, left = error_details_pb2.BadRequest(), FIELDS_BYTES
    for bad in error.fields:
        violation = request.FieldViolation(field=bad.field[:200], description=bad.message[:300])
        left -= violation.ByteSize()
        if left < 0:
            break
        request.field_violations.append(violation)
    return request


def _duration(seconds: float) -> duration_pb2.Duration:
    whole = int(seconds)
    return duration_pb2.Duration(seconds=whole, nanos=int((seconds - whole) * 1e9))


def _pack(
    message: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo,
) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
