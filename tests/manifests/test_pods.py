"""Every pod keeps the restricted profile, has room to drain, and is spread: on which node it starts must not matter."""

import pytest

from delivery_svc.settings import DeliverySettings
from tests.support.manifests import Document, Manifests, Workload

SPARE_SECONDS = 5


def test_the_namespace_enforces_the_restricted_profile(manifests: Manifests) -> None:
    (namespace,) = manifests.of("Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_pod_keeps_the_restricted_profile(manifests: Manifests) -> None:
    for workload in manifests.workloads:
        pod = workload.pod
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in workload.containers:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, container["name"]
            assert not any("hostPort" in port for port in container.get("ports", []))
        kinds = {kind for volume in pod["volumes"] for kind in volume.keys() - {"name"}}
        assert kinds <= {"configMap", "secret", "emptyDir"}


def test_every_pod_of_ours_runs_as_the_image_does(manifests: Manifests) -> None:
    for workload in manifests.ours:
        security = workload.pod["securityContext"]
        assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (65532, 65532, 65532)


def test_no_pod_can_ask_kubernetes_for_anything(manifests: Manifests) -> None:
    for workload in manifests.workloads:
        assert workload.pod["automountServiceAccountToken"] is False
        assert workload.pod["serviceAccountName"] == workload.name
    assert all(account["automountServiceAccountToken"] is False for account in manifests.of("ServiceAccount"))


def test_no_pod_is_told_of_services_by_variables(manifests: Manifests) -> None:
    assert all(workload.pod["enableServiceLinks"] is False for workload in manifests.workloads)


def test_memory_is_limited_and_cpu_is_not(manifests: Manifests) -> None:
    for workload in manifests.workloads:
        for container in workload.containers:
            resources = container["resources"]
            assert resources["requests"].keys() == {"cpu", "memory"}
            assert resources["limits"].keys() == {"memory"}


def test_every_empty_directory_has_a_size(manifests: Manifests) -> None:
    for workload in manifests.workloads:
        for volume in workload.pod["volumes"]:
            assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"]


def test_a_pod_is_killed_only_after_its_drain(manifests: Manifests) -> None:
    longest_attempt = DeliverySettings.model_fields["delivery_timeout_seconds"].default
    for workload in manifests.ours:
        grace = float(manifests.environment(workload.main)["RUNHOOK_GRACE_SECONDS"])
        pause = workload.main.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert grace > longest_attempt
        assert workload.pod["terminationGracePeriodSeconds"] >= pause + grace + SPARE_SECONDS


def test_a_pod_that_takes_calls_leaves_its_service_before_it_drains(manifests: Manifests) -> None:
    called = [workload for service in manifests.of("Service") for workload in _pods(manifests, service)]
    for workload in called:
        if workload.module:
            assert workload.main["lifecycle"]["preStop"] == {"sleep": {"seconds": 5}}


def test_pods_are_spread_over_zones_and_nodes_where_there_are_some(manifests: Manifests) -> None:
    for workload in manifests.ours:
        spread = workload.pod["topologySpreadConstraints"]
        keys = [constraint["topologyKey"] for constraint in spread]
        assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        for constraint in spread:
            assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
            assert manifests.selected(constraint["labelSelector"]) == [workload]


@pytest.mark.parametrize("name", ["subscription-svc", "gateway"])
def test_an_autoscaler_owns_the_number_of_its_pods(base: Manifests, name: str) -> None:
    assert base.named("HorizontalPodAutoscaler", name) is not None
    (workload,) = [workload for workload in base.workloads if workload.name == name]
    assert workload.replicas is None


def _pods(manifests: Manifests, service: Document) -> list[Workload]:
    return manifests.selected({"matchLabels": service["spec"]["selector"]})
