"""Settings come from RUNHOOK_* environment variables; every bad or unknown one is named at once, before anything starts.

All processes of a deployment may share one environment: a process skips the names of the others (by their prefix) and
refuses whatever nobody knows, so that a typing error never passes silently.
"""

import difflib
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis import fault_points

PREFIX = "RUNHOOK_"
OTHERS_PREFIXES = ("SUBSCRIPTION_", "DELIVERY_", "TRIGGER_", "GATEWAY_", "RUNNER_")
# The gateway's, and what a runner tells its commands: one of those may start a process of ours.
OTHERS_NAMES = frozenset({"PUBLIC_URL", "TRUSTED_PROXIES", "RUN_ID", "EXECUTION_ID", "PAYLOAD_FILE"})


class SettingsError(Exception):
    """One line per bad setting: its variable, what is wrong with it, what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """What every process knows. Durations are seconds, addresses are host:port."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    #: debug, info, warning or error.
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    #: json (one object a line) or console (for people).
    log_format: str = Field(default="json", pattern="^(json|console)$")
    #: Where /metrics and /healthz are served.
    metrics_address: str = Field(default="0.0.0.0:9090", pattern=r"^\S+:\d{1,5}$")
    #: Names this process in logs and leases; a restart under the same name takes over what its predecessor held.
    pod_name: str = Field(default_factory=socket.gethostname, min_length=1, max_length=253)
    #: How long a stopping process may finish what it has in hand.
    grace_seconds: float = Field(default=30.0, ge=0, le=3600)
    #: File with the credential that our own processes prove themselves with. Of several lines the first is sent, and all are
    #: admitted. Unset: no such caller is.
    service_credential_file: Path | None = None
    #: For gRPC over mutual TLS, PEM: what this process shows the others, its certificate first, then those between it and the
    #: authority. Set with the two below or not at all; all three are read again when they change.
    tls_cert_file: Path | None = None
    #: The key of that certificate.
    tls_key_file: Path | None = None
    #: The certificates of the authority that the others have theirs from.
    tls_ca_file: Path | None = None
    #: gRPC targets of the services, such as dns:///delivery-svc:50051.
    subscription_svc: str = "127.0.0.1:50051"
    delivery_svc: str = "127.0.0.1:50052"
    trigger_svc: str = "127.0.0.1:50053"
    #: on, off or auto: traces by OTLP, as the standard OTEL_ variables say; auto is on if they name an endpoint.
    tracing: str = Field(default="auto", pattern="^(on|off|auto)$")
    #: production or development. Development allows what is made for tests alone.
    environment: str = Field(default="production", pattern="^(production|development)$")
    #: Where this process fails on purpose: point:action[:n], see chassis/fault_points.py. Refused in production.
    fault_points: str = ""

    @field_validator("fault_points")
    @classmethod
    def _check_fault_points(cls, text: str) -> str:
        fault_points.parse(text)
        return text

    @model_validator(mode="after")
    def _refuse_faults_in_production(self) -> Self:
        if self.fault_points and self.environment != "development":
            raise ValueError(
                "RUNHOOK_FAULT_POINTS: makes this process fail on purpose: remove it, "
                "or set RUNHOOK_ENVIRONMENT=development where nothing may be lost by that"
            )
        return self

    @model_validator(mode="after")
    def _whole_identity(self) -> Self:
        if len({self.tls_cert_file is None, self.tls_key_file is None, self.tls_ca_file is None}) > 1:
            raise ValueError(
                "RUNHOOK_TLS_CERT_FILE, RUNHOOK_TLS_KEY_FILE, RUNHOOK_TLS_CA_FILE: belong together: set all three or none"
            )
        return self

    def service_credential(self) -> str | None:
        """The credentials, one a line, or None: all are admitted, the first is what this process proves itself with.

        SettingsError when the file cannot be read or one is too short to be a secret.
        """
        if self.service_credential_file is None:
            return None
        lines = read_secret(self.service_credential_file, "RUNHOOK_SERVICE_CREDENTIAL_FILE").split()
        if not lines or min(map(len, lines)) < 32:
            raise SettingsError(["RUNHOOK_SERVICE_CREDENTIAL_FILE: holds fewer than 32 characters: make a longer one"])
        return "\n".join(lines)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Reads the environment. SettingsError names every unknown and every malformed variable."""
        environ = os.environ if environ is None else environ
        problems = cls._unknown(environ)
        try:
            values = {key: environ[PREFIX + key.upper()] for key in cls.model_fields if PREFIX + key.upper() in environ}
            settings = cls.model_validate(values)
        except ValidationError as error:
            problems += [_sentence(dict(one)) for one in error.errors()]
        if problems:
            raise SettingsError(problems)
        return settings

    @classmethod
    def _unknown(cls, environ: Mapping[str, str]) -> list[str]:
        known = {key.upper() for key in cls.model_fields}
        problems = []
        for variable in sorted(name for name in environ if name.startswith(PREFIX)):
            name = variable.removeprefix(PREFIX)
            mine = name.startswith(cls.own_prefix()) if cls.own_prefix() else False
            if name in known | SERVICES_NAMES | OTHERS_NAMES or (not mine and name.startswith(OTHERS_PREFIXES)):
                continue
            close = difflib.get_close_matches(name, known, n=1)
            hint = f": did you mean {PREFIX}{close[0]}?" if close else ": remove it, or see the settings in the docs"
            problems.append(f"{variable}: no such setting{hint}")
        return problems

    @classmethod
    def own_prefix(cls) -> str:
        """The prefix of the names that are this process's alone, such as "DELIVERY_"; empty where it has none."""
        return ""


class ServiceSettings(Settings):
    """What each of the three gRPC services knows beyond that."""

    #: Login role of the service, such as postgresql://runhook_delivery:...@host/db.
    database_url: str = Field(pattern=r"^postgres(ql)?://")
    #: Most connections of this process to Postgres.
    database_pool_size: int = Field(default=8, ge=2, le=200)
    #: Prepared statements kept per connection. 0 behind a pooler in transaction mode that knows none, such as PgBouncer before
    #: 1.21: a delivery then costs Postgres twice the CPU time, and delivery_svc a fifth more. Above 0 it does not start
    #: there.
    database_statement_cache: int = Field(default=256, ge=0)
    #: Where gRPC is served.
    grpc_address: str = Field(default="0.0.0.0:50051", pattern=r"^\S+:\d{1,5}$")
    #: Where health alone is served, in the clear: for probes that speak no TLS. Unset: with all else, at the address above.
    grpc_health_address: str | None = Field(default=None, pattern=r"^\S+:\d{1,5}$")
    #: A client's connection is ended after this long, so that clients ask the name service again after a scale-up.
    grpc_connection_age_seconds: float = Field(default=60.0, gt=0)
    #: File with one `<key id>:<base64 of 32 bytes>` a line: the first encrypts, all decrypt.
    key_ring_file: Path | None = None
    #: Account of those who run the platform: its account_admin makes accounts, its subscriptions may want operational events.
    operator_account_id: int | None = Field(default=None, gt=0, le=2**63 - 1)


#: What gateway and runner pass over.
SERVICES_NAMES = frozenset(key.upper() for key in ServiceSettings.model_fields)


def read_secret(path: Path, variable: str) -> str:
    """The text of a mounted secret. SettingsError names the variable that led there."""
    try:
        return path.read_text()
    except OSError as error:
        raise SettingsError([f"{variable}: cannot read {path}: {error.strerror}"]) from error


def _sentence(error: Mapping[str, object]) -> str:
    location = error["loc"]
    path = ".".join(str(part) for part in location) if isinstance(location, tuple) else str(location)
    message = str(error["msg"]).removeprefix("Value error, ")
    if not path:
        return message  # of a rule over several settings: it names them itself
    variable = PREFIX + path.upper()
    return f"{variable}: is required: set it" if error["type"] == "missing" else f"{variable}: {message}"
