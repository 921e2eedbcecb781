"""Components go with each other and with every overlay of ours: whoever chooses some of them gets what holds together."""

import json
from functools import cache
from pathlib import Path

import pytest

from tests.support.kubernetes_schemas import NEWEST, OLDEST, errors
from tests.support.manifests import DEPLOY, Manifests, Workload, issued, made_secrets, mixed
from tests.support.pod_settings import placed

COMPONENTS = sorted(path.parent.name for path in (DEPLOY / "components").glob("*/kustomization.yaml"))
#: Of these an overlay has one: TLS ends at the gateway or at the ingress controller, as in prod.
EXCLUSIVE = {"gateway-tls", "ingress"}
#: Labels of pods that others make: CloudNativePG for a Cluster and its Pooler, the runner for a run.
MADE_BY_OTHERS = ({"cnpg.io/cluster": "postgres"}, {"app.kubernetes.io/name": "runhook-job"})

#: As cert-manager makes it, for the component gateway-tls.
CERTIFICATE = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "gateway-tls", "namespace": "runhook"},
    "type": "kubernetes.io/tls",
    "stringData": {"tls.crt": "", "tls.key": ""},
}


def mixes() -> list[tuple[str, ...]]:
    """base with each component and with all that go together, prod with all."""
    alone = [("base", name) for name in COMPONENTS]
    together = [("base", *(name for name in COMPONENTS if name != other)) for other in sorted(EXCLUSIVE)]
    return [*alone, *together, ("overlays/prod", *(name for name in COMPONENTS if name not in EXCLUSIVE))]


@pytest.fixture(scope="module", params=mixes(), ids="+".join)
def mix(request: pytest.FixtureRequest) -> Manifests:
    overlay, *components = request.param
    where = "cloudnative-pg" if "cloudnative-pg" in components else "postgresql://owner:secret@db.example.com/runhook"
    made = mixed(overlay, *components)
    return Manifests([*made.documents, *made_secrets(where).documents, *issued(made).documents, CERTIFICATE])


@cache
def judged(text: str, version: str) -> list[str]:
    """Errors of one document; most of them stand in every mix."""
    return errors(json.loads(text), version)


def ours(mix: Manifests, name: str) -> Workload | None:
    return next((workload for workload in mix.workloads if workload.name == name), None)


def test_every_field_is_one_that_the_cluster_knows(mix: Manifests) -> None:
    texts = [json.dumps(document) for document in mix.documents]
    assert [error for version in (OLDEST, NEWEST) for text in texts for error in judged(text, version)] == []


def test_everything_stands_in_one_namespace_once(mix: Manifests) -> None:
    names = [(document["kind"], document["metadata"]["name"]) for document in mix.documents]
    assert len(set(names)) == len(names)
    spaces = {one["metadata"].get("namespace") for one in mix.documents if one["kind"] != "Namespace"}
    assert spaces == {"runhook"}


def test_every_map_and_secret_named_exists_with_its_keys(mix: Manifests) -> None:
    for workload in mix.workloads:
        for container in workload.containers:
            mix.environment(container)  # KeyError
            list(mix.files(workload, container))  # KeyError


def test_every_process_accepts_what_it_is_told(mix: Manifests, tmp_path: Path) -> None:
    for workload in mix.ours:
        placed(mix, workload, tmp_path / workload.name)


def test_every_policy_is_for_pods_that_there_are(mix: Manifests) -> None:
    for policy in mix.of("NetworkPolicy"):
        selector = policy["spec"]["podSelector"]
        assert selector.get("matchLabels") in MADE_BY_OTHERS or mix.selected(selector), policy["metadata"]["name"]
    denied = mix.named("NetworkPolicy", "default-deny")
    assert denied is not None
    assert denied["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_each_deployment_has_one_who_says_how_many(mix: Manifests) -> None:
    for workload in mix.workloads:
        scalers = [
            scaler
            for scaler in mix.of("HorizontalPodAutoscaler", "ScaledObject")
            if scaler["spec"]["scaleTargetRef"]["name"] == workload.name
        ]
        assert len(scalers) + (workload.replicas is not None) == 1, workload.name
    for scaler in mix.of("HorizontalPodAutoscaler", "ScaledObject"):
        assert ours(mix, scaler["spec"]["scaleTargetRef"]["name"])


def test_cpu_scales_the_gateway_and_subscription_svc_alone(mix: Manifests) -> None:
    names = {scaler["spec"]["scaleTargetRef"]["name"] for scaler in mix.of("HorizontalPodAutoscaler")}
    assert names == {"gateway", "subscription-svc"}


def test_an_ingress_leads_to_a_port_of_a_service(mix: Manifests) -> None:
    for ingress in mix.of("Ingress"):
        for rule in ingress["spec"]["rules"]:
            assert [rule["host"]] == ingress["spec"]["tls"][0]["hosts"]
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                service = mix.named("Service", backend["name"])
                assert service is not None
                assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
