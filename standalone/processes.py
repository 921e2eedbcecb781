"""The five processes of the platform and what each is told. Invariant: one table names them; all talk over loopback."""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from chassis.settings import PREFIX
from standalone.database import ReadyDatabase
from standalone.home import Home, new_key_ring, new_password
from standalone.ports import free_ports
from standalone.settings import OURS, StandaloneSettings
from standalone.supervisor import Child

ACCOUNT_ID = 1
SERVICES = ("subscription_svc", "delivery_svc", "trigger_svc")
DOORS = ("gateway", "runner")
LOOPBACK = "127.0.0.0/8,::1/128"
# Ctrl-C should take seconds; what a longer grace would finish is done again after the next start.
_GRACE_SECONDS = "5"


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where everything listens: the gateway's port, gRPC by service, observation by process (host:port)."""

    gateway: str
    grpc: Mapping[str, str]
    metrics: Mapping[str, str]


def choose_addresses(port: int) -> Addresses:
    """The gateway's port as wanted (0: a free one), free ports for the rest."""
    ports = [free for free in free_ports(2 + len(SERVICES) + len(SERVICES + DOORS)) if free != port]
    return Addresses(
        gateway=f"127.0.0.1:{port or ports.pop()}",
        grpc={name: f"127.0.0.1:{ports.pop()}" for name in SERVICES},
        metrics={name: f"127.0.0.1:{ports.pop()}" for name in SERVICES + DOORS},
    )


def family(settings: StandaloneSettings, home: Home, database: ReadyDatabase, addresses: Addresses) -> list[Child]:
    """All five, ready to be started at once; the doors are ended first, so that what they hold is still answered."""
    own = {
        "subscription_svc": {
            "SUBSCRIPTION_FIRST_ACCOUNT_ID": str(ACCOUNT_ID),
            "SUBSCRIPTION_FIRST_TOKEN_FILE": str(home.first_token),
        },
        "delivery_svc": {"DELIVERY_ALLOWED_NETWORKS": LOOPBACK},
        "trigger_svc": {},
        "gateway": {
            "GATEWAY_ADDRESS": addresses.gateway,
            "PUBLIC_URL": settings.gateway_url(addresses.gateway),
            "GATEWAY_CONSOLE_KEY_FILE": str(home.secret("console-key", new_key_ring)),
        },
        "runner": {"RUNNER_COMMANDS_FILE": str(settings.commands)},
    }
    return [
        Child(
            name=name,
            program=(sys.executable, "-m", name),
            environment=_environment(settings, _told(home, database, addresses, name) | told),
            health_address=addresses.metrics[name],
            log=home.log(name),
            # The runner has children of its own to end; the others lose nothing by ending at once.
            death_signal=signal.SIGTERM if name == "runner" else signal.SIGKILL,
            stage=1 if name in DOORS else 2,
        )
        for name, told in own.items()
    ]


def _told(home: Home, database: ReadyDatabase, addresses: Addresses, name: str) -> dict[str, str]:
    told = {
        "GRACE_SECONDS": _GRACE_SECONDS,
        "POD_NAME": f"{name}-0",
        "METRICS_ADDRESS": addresses.metrics[name],
        "SERVICE_CREDENTIAL_FILE": str(home.secret("service-credential", new_password)),
        **{service.upper(): address for service, address in addresses.grpc.items()},
    }
    if name in SERVICES:
        told |= {
            "DATABASE_URL": database.role_urls[f"runhook_{name.removesuffix('_svc')}"],
            "GRPC_ADDRESS": addresses.grpc[name],
            "KEY_RING_FILE": str(home.secret("key-ring", new_key_ring)),
            "OPERATOR_ACCOUNT_ID": str(ACCOUNT_ID),
        }
    return told


def _environment(settings: StandaloneSettings, told: Mapping[str, str]) -> dict[str, str]:
    """Ours without our own settings; what the person set for the processes goes before what we would tell them."""
    inherited = {key: value for key, value in os.environ.items() if key not in OURS and not key.startswith(PREFIX)}
    return {**inherited, **{f"{PREFIX}{key}": value for key, value in told.items()}, **settings.passed_on}
