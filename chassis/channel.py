"""A channel to another service: all of its pods in turn, pings that notice a dead one, retries for nothing by itself.

Deadlines are given per call (`timeout=`): the service config's timeout is broken in gRPC for Python.
"""

import json

import grpc

from chassis.caller import CREDENTIAL_KEY
from chassis.grpc_server import LARGEST_MESSAGE

SERVICE_CONFIG = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})


def open_channel(target: str) -> grpc.aio.Channel:
    """A channel to `target`, such as dns:///delivery-svc:50051; it connects when first used and again by itself."""
    return grpc.aio.insecure_channel(
        target,
        options=[
            ("grpc.service_config", SERVICE_CONFIG),
            # Our processes meet directly; a proxy that the environment names is for the world outside.
            ("grpc.enable_http_proxy", 0),
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", LARGEST_MESSAGE),
            ("grpc.keepalive_time_ms", 20_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            ("grpc.initial_reconnect_backoff_ms", 100),
        ],
    )


def service_metadata(credential: str | None) -> tuple[tuple[str, str], ...]:
    """The metadata that proves one of our own processes."""
    return () if credential is None else ((CREDENTIAL_KEY, credential),)
