"""Decides whether this process tells traces, and brings in what that takes only then: it is an extra, and slow to import."""

import importlib.util
from collections.abc import Mapping

from chassis import tracing
from chassis.logs import get_logger
from chassis.settings import Settings, SettingsError

log = get_logger()
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXTRA = "opentelemetry.exporter.otlp.proto.grpc"
INSTALL = "pip install 'runhook-platform[otel]'"


def configure(settings: Settings, process: str, environ: Mapping[str, str]) -> None:
    """Turns traces on where the setting says so, or leaves it to the standard variables and those name an endpoint.

    SettingsError where they are asked for by the setting and cannot be had.
    """
    wanted = settings.tracing
    if wanted == "off" or (wanted == "auto" and not _asked_for(environ)):
        return
    if not _installed():
        if wanted == "on":
            raise SettingsError([f"RUNHOOK_TRACING: the extra is missing: {INSTALL}"])
        log.warning("tracing.not_installed", hint=f"{INSTALL}, or set RUNHOOK_TRACING=off")
        return
    from chassis.otlp import OtlpTracer

    tracing.turn_on(OtlpTracer(process, settings.pod_name, environ))


def _asked_for(environ: Mapping[str, str]) -> bool:
    refused = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    return not refused and any(environ.get(name) for name in ENDPOINTS)


def _installed() -> bool:
    try:
        return importlib.util.find_spec(EXTRA) is not None
    except ModuleNotFoundError:
        return False
