"""What the gateway can be told by its environment. Every bound on time and memory is here."""

from pydantic import Field, field_validator

from chassis.settings import Settings

MIB = 1024 * 1024


class GatewaySettings(Settings):
    """Durations are seconds, sizes are bytes."""

    #: Where HTTP is served.
    gateway_address: str = Field(default="0.0.0.0:8080", pattern=r"^\S+:\d{1,5}$")
    #: What the URLs of triggers begin with: where callers from outside reach this gateway.
    public_url: str = Field(default="http://127.0.0.1:8080", pattern=r"^https?://[^\s/?#]+[^\s?#]*$")
    #: Largest JSON body.
    gateway_body_bytes: int = Field(default=MIB, ge=1024, le=4 * MIB)
    #: How long a client may take to send a body.
    gateway_body_seconds: float = Field(default=30.0, gt=0, le=600)
    #: How long a service may take to answer before the client is told 503.
    gateway_answer_seconds: float = Field(default=1.8, gt=0, le=60)
    #: Largest body of one inbound call.
    gateway_call_bytes: int = Field(default=MIB, ge=1024, le=4 * MIB)
    #: How long an inbound call may take to be committed before its sender is told 503.
    gateway_call_seconds: float = Field(default=5.0, gt=0, le=60)
    #: Streams to trigger_svc that inbound calls share.
    gateway_call_streams: int = Field(default=4, ge=1, le=64)
    #: Most inbound calls held at a time, and most bytes of them; beyond it senders are told 503.
    gateway_calls_in_flight: int = Field(default=2000, ge=1, le=100_000)
    gateway_calls_in_flight_bytes: int = Field(default=64 * MIB, ge=4 * MIB)

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @classmethod
    def own_prefix(cls) -> str:
        """Names that no other process reads."""
        return "GATEWAY_"
