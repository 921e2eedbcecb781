"""The component that has our processes speak mutual TLS: who is who, what is mounted, who asks in the clear."""

from pathlib import Path
from typing import Any

import pytest

from chassis.grpc_server import READINESS
from chassis.settings import ServiceSettings
from runner.kubernetes.job_object import IDENTITY_FILES
from tests.support.manifests import Manifests, Workload, issued, made_secrets, mixed
from tests.support.pod_settings import placed

SERVICES = ("subscription-svc", "delivery-svc", "trigger-svc")
CALLERS = ("delivery-svc", "trigger-svc", "gateway", "runner")


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    """Base with the component, as an overlay has them, beside all Secrets."""
    made = mixed("base", "cert-manager-mtls")
    secrets = made_secrets("postgresql://owner:secret@postgres.example.com:5432/runhook")
    return Manifests([*made.documents, *secrets.documents, *issued(made).documents])


def certificate(manifests: Manifests, name: str) -> Any:
    """The spec of a Certificate."""
    found = manifests.named("Certificate", name)
    assert found is not None
    return found["spec"]


def mounted(workload: Workload) -> dict[str, Any]:
    """The volume of its identity."""
    secret: dict[str, Any] = workload.volume("identity")["secret"]
    return secret


def test_every_process_has_a_certificate_of_its_own(manifests: Manifests) -> None:
    names = {workload.name: mounted(workload)["secretName"] for workload in manifests.ours}
    assert names == {name: certificate(manifests, name)["secretName"] for name in names}
    assert len(set(names.values())) == len(names) == 5


def test_every_process_is_told_of_the_three_files_where_they_are(manifests: Manifests, tmp_path: Path) -> None:
    for workload in manifests.ours:
        settings = placed(manifests, workload, tmp_path / workload.name)
        assert settings.tls_cert_file is not None
        told = [settings.tls_cert_file, settings.tls_key_file, settings.tls_ca_file]
        assert [path.name for path in told if path] == [item["path"] for item in mounted(workload)["items"]]
        assert [item["key"] for item in mounted(workload)["items"]] == ["tls.crt", "tls.key", "ca.crt"]


def test_nobody_else_sees_a_key(manifests: Manifests) -> None:
    for workload in manifests.ours:
        for container in workload.pod.get("initContainers", []):
            assert "identity" not in {mount["name"] for mount in container.get("volumeMounts", [])}
        assert mounted(workload)["defaultMode"] == 0o440


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_known_by_the_names_that_it_is_dialled_by(manifests: Manifests, name: str, tmp_path: Path) -> None:
    settings = placed(manifests, manifests.ours[0], tmp_path)
    target = getattr(settings, name.replace("-", "_"))
    host = target.removeprefix("dns:///").partition(":")[0]
    assert manifests.named("Service", host) is not None
    names = certificate(manifests, name)["dnsNames"]
    assert {host, f"{host}.runhook.svc", f"{host}.runhook.svc.cluster.local"} <= set(names)
    assert all(one.partition(".")[0] == name for one in names)


def test_who_is_called_may_serve_and_who_calls_may_call_and_no_more(manifests: Manifests) -> None:
    names = [one["metadata"]["name"] for one in manifests.of("Certificate") if not one["spec"].get("isCA")]
    serving = {name for name in names if "server auth" in certificate(manifests, name)["usages"]}
    calling = {name for name in names if "client auth" in certificate(manifests, name)["usages"]}
    assert (serving, calling) == (set(SERVICES), {*CALLERS, "runhook-job"})
    assert all(("dnsNames" in certificate(manifests, name)) == (name in serving) for name in names)


def test_one_authority_signs_them_all_and_outlives_them(manifests: Manifests) -> None:
    [authority] = [one for one in manifests.of("Certificate") if one["spec"].get("isCA")]
    issuers = {issuer["metadata"]["name"]: issuer["spec"] for issuer in manifests.of("Issuer")}
    for one in manifests.of("Certificate"):
        issuer = issuers[one["spec"]["issuerRef"]["name"]]
        assert issuer == ({"selfSigned": {}} if one is authority else {"ca": {"secretName": "runhook-authority"}})
    assert authority["spec"]["secretName"] == "runhook-authority"
    # A new key would part what was signed before from what is trusted now.
    assert authority["spec"]["privateKey"]["rotationPolicy"] == "Never"


def test_probes_ask_in_the_clear_where_health_alone_is_served(manifests: Manifests, tmp_path: Path) -> None:
    for workload in manifests.ours:
        settings = placed(manifests, workload, tmp_path / workload.name)
        if isinstance(settings, ServiceSettings):
            assert settings.grpc_health_address is not None
            port = int(settings.grpc_health_address.rpartition(":")[2])
            assert workload.ports["health"] == port != workload.ports["grpc"]
            probes = [workload.main[f"{kind}Probe"]["grpc"] for kind in ("startup", "liveness", "readiness")]
            assert probes == [{"port": port}, {"port": port}, {"port": port, "service": READINESS}]


def test_nobody_but_probes_reaches_health_in_the_clear(manifests: Manifests) -> None:
    allowed = [
        port["port"]
        for policy in manifests.of("NetworkPolicy")
        for rule in policy["spec"].get("ingress", [])
        for port in rule.get("ports", [])
    ]
    assert 50052 not in allowed


def test_pods_of_jobs_have_a_certificate_that_the_runner_names(manifests: Manifests) -> None:
    (runner,) = [workload for workload in manifests.ours if workload.module == "runner"]
    named = manifests.environment(runner.main)["RUNHOOK_RUNNER_JOB_TLS_SECRET"]
    assert certificate(manifests, "runhook-job")["secretName"] == named
    assert set(IDENTITY_FILES.values()) == set(manifests.content("Secret", named))
