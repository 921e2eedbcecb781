"""What one document says of another is true: selectors find pods, names exist, ports are listened on."""

from typing import Any

from tests.support.manifests import Manifests, Workload


def _pods(manifests: Manifests, service: dict[str, Any]) -> list[Workload]:
    return manifests.selected({"matchLabels": service["spec"]["selector"]})


def test_every_selector_finds_pods(manifests: Manifests) -> None:
    for workload in manifests.workloads:
        assert manifests.selected({"matchLabels": workload.selector}) == [workload]
    for service in manifests.of("Service"):
        assert len(_pods(manifests, service)) == 1, service["metadata"]["name"]
    for budget in manifests.of("PodDisruptionBudget"):
        assert len(manifests.selected(budget["spec"]["selector"])) == 1, budget["metadata"]["name"]
    for policy in manifests.of("NetworkPolicy"):
        assert manifests.selected(policy["spec"]["podSelector"]), policy["metadata"]["name"]


def test_every_port_of_a_service_is_a_port_of_its_pods(manifests: Manifests) -> None:
    for service in manifests.of("Service"):
        (workload,) = _pods(manifests, service)
        for port in service["spec"]["ports"]:
            target = port["targetPort"]
            assert target in workload.ports or target in workload.ports.values()


def test_the_port_of_a_headless_service_is_the_pods_own(manifests: Manifests) -> None:
    """Clients dial the pods, and no proxy is there to change a port."""
    for service in manifests.of("Service"):
        if service["spec"].get("clusterIP") == "None":
            (workload,) = _pods(manifests, service)
            for port in service["spec"]["ports"]:
                assert port["port"] == workload.ports.get(port["targetPort"], port["targetPort"])


def test_every_grpc_service_is_headless_and_says_so(manifests: Manifests) -> None:
    for workload in manifests.ours:
        if "grpc" in workload.ports:
            service = manifests.named("Service", workload.name)
            assert service is not None
            assert service["spec"]["clusterIP"] == "None"
            assert [port["appProtocol"] for port in service["spec"]["ports"]] == ["kubernetes.io/h2c"]


def test_every_account_named_exists(manifests: Manifests) -> None:
    accounts = {account["metadata"]["name"] for account in manifests.of("ServiceAccount")}
    assert {workload.pod["serviceAccountName"] for workload in manifests.workloads} == accounts


def test_every_map_and_secret_named_exists_with_its_keys_and_is_used(manifests: Manifests) -> None:
    """In base the Secrets are those that deploy/make-secrets.sh prints."""
    for workload in manifests.workloads:
        for container in workload.containers:
            manifests.environment(container)  # KeyError
            list(manifests.files(workload, container))  # KeyError
    made = {document["metadata"]["name"] for document in manifests.of("ConfigMap", "Secret")}
    assert made == {name for workload in manifests.workloads for name in _named(workload)}


def test_every_mount_has_its_volume_and_every_volume_its_mount(manifests: Manifests) -> None:
    for workload in manifests.workloads:
        claims = {"data"} if workload.name == "postgres" else set()
        volumes = {volume["name"] for volume in workload.pod["volumes"]} | claims
        mounts = {mount["name"] for container in workload.containers for mount in container["volumeMounts"]}
        assert mounts == volumes, workload.name


def test_a_disruption_takes_one_pod_of_ours_at_a_time(manifests: Manifests) -> None:
    for workload in manifests.ours:
        budget = manifests.named("PodDisruptionBudget", workload.name)
        assert budget is not None, workload.name
        assert budget["spec"]["maxUnavailable"] == 1
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_two_pods_of_each_remain_where_others_are_served(base: Manifests) -> None:
    for workload in base.workloads:
        scaler = base.named("HorizontalPodAutoscaler", workload.name)
        least = scaler["spec"]["minReplicas"] if scaler else workload.replicas
        assert least == 2, workload.name


def test_every_autoscaler_scales_a_deployment_that_leaves_it_the_number(manifests: Manifests) -> None:
    for scaler in manifests.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        assert (target["apiVersion"], target["kind"]) == ("apps/v1", "Deployment")
        (workload,) = [workload for workload in manifests.workloads if workload.name == target["name"]]
        assert workload.replicas is None


def _named(workload: Workload) -> set[str]:
    names = set()
    for container in workload.containers:
        names |= {source["configMapRef"]["name"] for source in container.get("envFrom", [])}
        sources = [variable.get("valueFrom", {}) for variable in container.get("env", [])]
        names |= {source["secretKeyRef"]["name"] for source in sources if "secretKeyRef" in source}
    for volume in workload.pod["volumes"]:
        names |= {volume["secret"]["secretName"]} if "secret" in volume else set()
        names |= {volume["configMap"]["name"]} if "configMap" in volume else set()
    return names
