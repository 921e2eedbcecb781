"""Settings of delivery_svc, beside the chassis's."""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from chassis.settings import ServiceSettings
from delivery_svc.breaker import BreakerPolicy
from delivery_svc.deactivation import DeactivationPolicy
from delivery_svc.retry import RetryPolicy
from delivery_svc.sending.address import Network
from delivery_svc.sending.proxy import Proxy, parse_proxy


class DeliverySettings(ServiceSettings):
    """RUNHOOK_DELIVERY_*. Lists are separated by commas."""

    #: POSTs under way at once; a pod holds at most twice as many deliveries.
    delivery_slots: int = Field(default=512, ge=1, le=10_000)
    #: POSTs under way at once to one subscription; at most twice as many wait in the pod, fewer where it is slow.
    delivery_lane_limit: int = Field(default=16, ge=1, le=1000)
    #: Seconds for one attempt: resolve, connect, TLS, write, headers and body together.
    delivery_timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    #: Seconds before each retry, so also how many there are.
    delivery_retry_delays_seconds: str = "1,5,20,60,180"
    #: Share of a retry delay by which it is moved either way.
    delivery_retry_jitter: float = Field(default=0.2, ge=0, le=1)
    #: Deliveries (not attempts) that fail in a row until a subscription is set inactive. 0: never for that reason.
    delivery_deactivate_after_failures: int = Field(default=1000, ge=0)
    #: Seconds with failed deliveries alone until a subscription is set inactive. 0: never for that reason.
    delivery_deactivate_after_seconds: float = Field(default=604_800, ge=0, le=10**9)
    #: Failed attempts in a row after which an endpoint is left alone for a while. 0: never.
    delivery_breaker_failures: int = Field(default=10, ge=0, le=1_000_000)
    #: Seconds for which it is left alone at first; twice as long each time that the probe after it fails.
    delivery_breaker_seconds: float = Field(default=5.0, gt=0, le=3600)
    #: Seconds for which it is left alone at most.
    delivery_breaker_longest_seconds: float = Field(default=300.0, gt=0, le=86_400)
    #: Networks that may be sent to although they are private or otherwise denied, such as 10.20.0.0/16.
    delivery_allowed_networks: str = ""
    #: File with certificates of a private CA that endpoints may be signed by, beside the system's.
    delivery_ca_file: Path | None = None
    #: HTTP proxy (http://host:port) for all deliveries. It resolves the names then, so vetting their addresses is its task.
    delivery_proxy_url: str = ""
    #: Seconds between two heartbeats of this pod.
    delivery_heartbeat_seconds: float = Field(default=2.0, gt=0, le=60)
    #: Seconds without a heartbeat, watched, after which a pod is declared dead. More than 3 above the heartbeat.
    delivery_dead_after_seconds: float = Field(default=10.0, gt=3, le=600)
    #: Seconds between two looks for free due deliveries, when nothing wakes the claimer.
    delivery_claim_seconds: float = Field(default=0.1, gt=0, le=10)
    #: Idle connections kept in all; four per endpoint.
    delivery_idle_connections: int = Field(default=2000, ge=0, le=20_000)

    @classmethod
    def own_prefix(cls) -> str:
        """DELIVERY_"""
        return "DELIVERY_"

    @field_validator("delivery_retry_delays_seconds")
    @classmethod
    def _check_delays(cls, text: str) -> str:
        delays = [float(part) for part in text.split(",") if part.strip()]
        if len(delays) > 20 or any(not 0 < delay <= 86_400 for delay in delays):
            raise ValueError("at most 20 numbers from above 0 to 86400, separated by commas")
        return text

    @field_validator("delivery_allowed_networks")
    @classmethod
    def _check_networks(cls, text: str) -> str:
        for part in text.split(","):
            if part.strip():
                ip_network(part.strip())
        return text

    @field_validator("delivery_proxy_url")
    @classmethod
    def _check_proxy(cls, text: str) -> str:
        if text:
            parse_proxy(text)
        return text

    @model_validator(mode="after")
    def _check_heartbeat(self) -> Self:
        if self.delivery_dead_after_seconds <= self.delivery_heartbeat_seconds + 3:
            raise ValueError("RUNHOOK_DELIVERY_DEAD_AFTER_SECONDS: must be more than 3 above the heartbeat's seconds")
        return self

    @property
    def allowed_networks(self) -> tuple[Network, ...]:
        """The allow list."""
        return tuple(ip_network(part.strip()) for part in self.delivery_allowed_networks.split(",") if part.strip())

    @property
    def proxy(self) -> Proxy | None:
        """By way of what deliveries go, if not straight."""
        return parse_proxy(self.delivery_proxy_url) if self.delivery_proxy_url else None

    @property
    def deactivation_policy(self) -> DeactivationPolicy:
        """When a subscription is set inactive."""
        seconds = self.delivery_deactivate_after_seconds
        return DeactivationPolicy(
            failures=self.delivery_deactivate_after_failures or None,
            period=timedelta(seconds=seconds) if seconds else None,
        )

    @property
    def breaker_policy(self) -> BreakerPolicy:
        """When an endpoint is left alone, and for how long."""
        return BreakerPolicy(
            failures=self.delivery_breaker_failures or None,
            shortest=self.delivery_breaker_seconds,
            longest=self.delivery_breaker_longest_seconds,
        )

    @property
    def retry_policy(self) -> RetryPolicy:
        """The schedule."""
        parts = self.delivery_retry_delays_seconds.split(",")
        return RetryPolicy(
            delays=tuple(float(part) for part in parts if part.strip()), jitter=self.delivery_retry_jitter
        )
