"""The prod overlay: what it asks of whoever copies it is in one place, and it brings no secret of its own."""

from tests.support.manifests import Manifests, kustomize


def test_it_brings_no_secrets() -> None:
    assert kustomize("overlays/prod").of("Secret") == []


def test_the_ingress_answers_for_the_host_that_urls_of_triggers_begin_with(prod: Manifests) -> None:
    (settings,) = [one for one in prod.of("ConfigMap") if "RUNHOOK_PUBLIC_URL" in one["data"]]
    (ingress,) = prod.of("Ingress")
    (rule,) = ingress["spec"]["rules"]
    assert settings["data"]["RUNHOOK_PUBLIC_URL"] == f"https://{rule['host']}"
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]


def test_at_least_two_pods_of_each_remain(prod: Manifests) -> None:
    for workload in prod.workloads:
        scaler = prod.named("HorizontalPodAutoscaler", workload.name)
        least = scaler["spec"]["minReplicas"] if scaler else workload.replicas
        assert least is not None
        assert least >= 2, workload.name


def test_it_is_of_built_in_kinds(prod: Manifests) -> None:
    """So that it is taken by a cluster without operators; their components are opt-in."""
    groups = {document["apiVersion"].rpartition("/")[0] for document in prod.documents}
    assert all("." not in group or group.endswith(".k8s.io") for group in groups)
