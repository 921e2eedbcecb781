"""The component that has the gateway speak HTTPS: what it is told is mounted, and who asks it asks over TLS."""

import pytest

from gateway.settings import GatewaySettings
from tests.support.manifests import Manifests, Workload, mixed


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    """Base with the component, as an overlay has them."""
    return mixed("base", "gateway-tls")


@pytest.fixture
def gateway(manifests: Manifests) -> Workload:
    (found,) = [workload for workload in manifests.ours if workload.module == "gateway"]
    return found


def test_the_files_that_it_is_told_of_are_mounted(manifests: Manifests, gateway: Workload) -> None:
    settings = GatewaySettings.load(manifests.environment(gateway.main))
    (mount,) = [one for one in gateway.main["volumeMounts"] if one["name"] == "tls"]
    items = gateway.volume("tls")["secret"]["items"]
    mounted = {f"{mount['mountPath']}/{item['path']}" for item in items}
    assert {str(settings.gateway_tls_cert), str(settings.gateway_tls_key)} == mounted
    assert {item["key"] for item in items} == {"tls.crt", "tls.key"}


def test_who_asks_at_its_door_asks_over_tls(manifests: Manifests, gateway: Workload) -> None:
    for probe in ("startupProbe", "livenessProbe"):
        assert gateway.main[probe]["httpGet"] == {"path": "/healthz", "port": "http", "scheme": "HTTPS"}
    assert gateway.main["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    service = manifests.named("Service", "gateway")
    assert service is not None
    (port,) = service["spec"]["ports"]
    assert (port["port"], port["targetPort"], port["appProtocol"]) == (443, "http", "https")
