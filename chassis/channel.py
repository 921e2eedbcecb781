"""A channel to another service: all of its pods in turn, pings that notice a dead one, repetitions of reads alone.

Deadlines are given per call (`timeout=`): the service config's timeout is broken in gRPC for Python. A name is resolved again
whenever a connection ends, which servers see to (`RUNHOOK_GRPC_CONNECTION_AGE_SECONDS`): so pods that came get their share.
"""

import json
from collections.abc import Sequence
from typing import Any

import grpc

from chassis.caller import CREDENTIAL_KEY
from chassis.grpc_server import LARGEST_MESSAGE, READINESS
from chassis.identity import Identity
from chassis.renewed_channel import RenewedChannel

OPTIONS: tuple[tuple[str, Any], ...] = (
    # Our processes meet directly; a proxy that the environment names is for the world outside.
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # As long as a cluster's name service lets an answer live; gRPC's own 30 s would keep a pod that came waiting.
    ("grpc.dns_min_time_between_resolutions_ms", 5_000),
)


def open_channel(target: str, identity: Identity | None = None, *, reads: Sequence[str] = ()) -> grpc.aio.Channel:
    """A channel to `target`, such as dns:///delivery-svc:50051; it connects when first used and again by itself.

    With an identity it speaks TLS, shows its certificate, and talks to nobody whose certificate is not for the name in
    `target`. `reads` are methods such as /runhook.delivery.v1.DeliveryService/ListDeliveries that another pod is asked when
    one is away; all others are called once.
    """
    options = (*OPTIONS, ("grpc.service_config", service_config(reads)))
    if identity is None:
        return grpc.aio.insecure_channel(target, options=options)
    return RenewedChannel(
        identity, lambda papers: grpc.aio.secure_channel(target, papers.for_channel(), options=options)
    )


def service_config(reads: Sequence[str] = ()) -> str:
    """All pods in turn but for those that say they drain; of `reads` up to three attempts, fewer where most fail."""
    config: dict[str, Any] = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": READINESS},
    }
    if reads:
        names = [dict(zip(("service", "method"), one.strip("/").split("/"), strict=True)) for one in reads]
        policy = {
            "maxAttempts": 3,
            "initialBackoff": "0.05s",
            "maxBackoff": "0.2s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        config["methodConfig"] = [{"name": names, "retryPolicy": policy}]
        config["retryThrottling"] = {"maxTokens": 100, "tokenRatio": 0.1}
    return json.dumps(config)


def service_metadata(credential: str | None) -> tuple[tuple[str, str], ...]:
    """The metadata that proves one of our own processes: of several credentials, one a line, the first."""
    return () if credential is None else ((CREDENTIAL_KEY, credential.split()[0]),)
