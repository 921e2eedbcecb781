"""What the gateway can be told by its environment. Every bound on time and memory is here."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from chassis.settings import Settings
from gateway.networks import Network, parse_networks

MIB = 1024 * 1024


class GatewaySettings(Settings):
    """Durations are seconds, sizes are bytes."""

    #: Where HTTP is served.
    gateway_address: str = Field(default="0.0.0.0:8080", pattern=r"^\S+:\d{1,5}$")
    #: What the URLs of triggers begin with: where callers from outside reach this gateway.
    public_url: str = Field(default="http://127.0.0.1:8080", pattern=r"^https?://[^\s/?#]+[^\s?#]*$")
    #: PEM files of the certificate (chain first to last) and its key, for HTTPS; both or neither. Read again when they change.
    gateway_tls_cert: Path | None = None
    gateway_tls_key: Path | None = None
    #: Networks (CIDR) of the proxies in front, whose X-Forwarded-For and X-Forwarded-Proto are believed.
    trusted_proxies: str = ""
    #: Most open connections, each an open file; beyond it new ones are told 503.
    gateway_connections: int = Field(default=4096, ge=1, le=1_000_000)
    #: The same for one client address (of IPv6 a /64); trusted proxies are exempt.
    gateway_connections_per_address: int = Field(default=256, ge=1, le=1_000_000)
    #: Largest target of a request, in its first line.
    gateway_target_bytes: int = Field(default=8 * 1024, ge=256, le=64 * 1024)
    #: Largest head of a request, first line included, and most headers in it.
    gateway_head_bytes: int = Field(default=32 * 1024, ge=1024, le=MIB)
    gateway_headers: int = Field(default=100, ge=10, le=1000)
    #: How long a client may take for a TLS handshake, and how long for a head.
    gateway_head_seconds: float = Field(default=10.0, gt=0, le=600)
    #: How long a connection may stay open between requests.
    gateway_idle_seconds: float = Field(default=75.0, gt=0, le=3600)
    #: How long a client may take to read an answer; large ones get a second more for each 64 KiB.
    gateway_write_seconds: float = Field(default=30.0, gt=0, le=600)
    #: Requests a second of one service token at this pod, twice that at once; beyond it 429, unless it has at most ten
    #: under way. 0 is no limit.
    gateway_token_rate: float = Field(default=1000.0, ge=0, le=1_000_000)
    #: Requests a second with a wrong token from one address (of IPv6 a /64), and as many calls to URLs of triggers that are
    #: nobody's or not signed as agreed, twice that at once; beyond it 429. 0 is no limit.
    gateway_failure_rate: float = Field(default=20.0, ge=0, le=1_000_000)
    #: Inbound calls a second from one address, twice that at once; beyond it 429. 0 is no limit. Triggers may have their own.
    gateway_call_rate: float = Field(default=0.0, ge=0, le=1_000_000)
    #: Largest JSON body.
    gateway_body_bytes: int = Field(default=MIB, ge=1024, le=4 * MIB)
    #: How long a client may take to send a body; after the first 5 s it must have sent 1 KiB for each further second.
    gateway_body_seconds: float = Field(default=30.0, gt=0, le=600)
    #: Most bytes of bodies held at a time, a quarter of them from one address; beyond it senders are told 503.
    gateway_bodies_bytes: int = Field(default=64 * MIB, ge=16 * MIB)
    #: How long a service may take to answer before the client is told 503.
    gateway_answer_seconds: float = Field(default=1.8, gt=0, le=60)
    #: How long delivery_svc may take to answer for a test of a webhook, which waits for the customer's endpoint.
    gateway_test_seconds: float = Field(default=12.0, gt=0, le=60)
    #: Largest body of one inbound call.
    gateway_call_bytes: int = Field(default=MIB, ge=1024, le=4 * MIB)
    #: How long an inbound call may take to be committed before its sender is told 503.
    gateway_call_seconds: float = Field(default=5.0, gt=0, le=60)
    #: Streams to trigger_svc that inbound calls share.
    gateway_call_streams: int = Field(default=4, ge=1, le=64)
    #: Most inbound calls held at a time, and most bytes of them; beyond it senders are told 503.
    gateway_calls_in_flight: int = Field(default=2000, ge=1, le=100_000)
    gateway_calls_in_flight_bytes: int = Field(default=64 * MIB, ge=4 * MIB)

    #: File with one `<key id>:<base64 of 32 bytes>` a line, which seals the console's sessions: the first seals, all open.
    #: Unset: there is no console.
    gateway_console_key_file: Path | None = None
    #: How long a session of the console lasts after its sign-in.
    gateway_console_session_seconds: int = Field(default=8 * 3600, ge=60, le=7 * 86_400)

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _all_networks(cls, text: str) -> str:
        parse_networks(text)
        return text

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.gateway_tls_cert is None) != (self.gateway_tls_key is None):
            raise ValueError("RUNHOOK_GATEWAY_TLS_CERT, RUNHOOK_GATEWAY_TLS_KEY: belong together: set both or neither")
        return self

    @property
    def proxy_networks(self) -> tuple[Network, ...]:
        """`trusted_proxies`, parsed."""
        return parse_networks(self.trusted_proxies)

    @classmethod
    def own_prefix(cls) -> str:
        """Names that no other process reads."""
        return "GATEWAY_"
