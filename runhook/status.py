"""A failed call, read: from gRPC's status and its details to the error that a caller catches.

Invariant: whatever a server or a proxy on the way sends, the outcome is a RunhookError; details that cannot be read are
passed over.
"""

from typing import cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from runhook import errors

_KINDS: dict[grpc.StatusCode, type[errors.RunhookError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidInput,
    grpc.StatusCode.UNAUTHENTICATED: errors.Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDenied,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.ALREADY_EXISTS: errors.AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: errors.FailedPrecondition,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.ResourceExhausted,
    grpc.StatusCode.UNAVAILABLE: errors.Unavailable,
    # A server's word (who cancels a call of its own sees no status): it ended before the call did.
    grpc.StatusCode.CANCELLED: errors.Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
}


def error_of(failed: grpc.aio.AioRpcError) -> errors.RunhookError:
    """The error that stands for a failed call."""
    info, bad, wait = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    retry_after = None
    status = _status(failed)
    for detail in status.details:
        try:
            detail.Unpack(info)
            detail.Unpack(bad)
            if detail.Unpack(wait):
                retry_after = wait.retry_delay.seconds + wait.retry_delay.nanos / 1e9
        except DecodeError:
            continue
    return _KINDS.get(failed.code(), errors.RunhookError)(
        failed.code().name,
        status.message or failed.details() or "",
        reason=info.reason,
        fields=[errors.BadField(one.field, one.description) for one in bad.field_violations],
        retry_after=retry_after,
        metadata=info.metadata,
    )


def _status(failed: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The details that came with it; an empty one where there are none, or none that belong to it."""
    try:
        status = rpc_status.from_call(cast(grpc.Call, failed))
    except (DecodeError, ValueError):
        status = None
    return status_pb2.Status() if status is None else status
