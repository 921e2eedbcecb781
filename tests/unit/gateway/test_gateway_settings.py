"""Settings that hold only together, or only in a form."""

from pathlib import Path

import pytest

from chassis.settings import Settings, SettingsError
from delivery_svc.settings import DeliverySettings
from gateway.settings import GatewaySettings


def test_the_names_are_those_that_were_promised() -> None:
    environment = {
        "RUNHOOK_GATEWAY_TLS_CERT": "/tls/tls.crt",
        "RUNHOOK_GATEWAY_TLS_KEY": "/tls/tls.key",
        "RUNHOOK_TRUSTED_PROXIES": "10.0.0.0/8,::1",
    }
    settings = GatewaySettings.load(environment)
    assert (settings.gateway_tls_cert, settings.gateway_tls_key) == (Path("/tls/tls.crt"), Path("/tls/tls.key"))
    assert [str(network) for network in settings.proxy_networks] == ["10.0.0.0/8", "::1/128"]
    others = DeliverySettings.load(environment | {"RUNHOOK_DATABASE_URL": "postgresql://x"})
    assert isinstance(others, Settings)


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"RUNHOOK_GATEWAY_TLS_CERT": "/a"}, "RUNHOOK_GATEWAY_TLS_CERT, RUNHOOK_GATEWAY_TLS_KEY: belong together"),
        ({"RUNHOOK_GATEWAY_TLS_KEY": "/a"}, "RUNHOOK_GATEWAY_TLS_CERT, RUNHOOK_GATEWAY_TLS_KEY: belong together"),
        ({"RUNHOOK_TRUSTED_PROXIES": "10.0.0.0/8;::1"}, "RUNHOOK_TRUSTED_PROXIES: must be networks"),
    ],
)
def test_what_cannot_be_is_named(environment: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        GatewaySettings.load(environment)
    [line] = caught.value.problems
    assert line.startswith(problem)
