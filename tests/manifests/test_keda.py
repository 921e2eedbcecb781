"""The component keda: its queries ask for metrics that there are, and its pods fit into Postgres."""

import importlib
import re

import pytest
from prometheus_client.metrics import MetricWrapperBase

from tests.support.manifests import Document, Manifests, mixed

SUFFIXES = ("_count", "_sum", "_bucket", "_total")


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    return mixed("base", "keda")


def metrics_of(package: str) -> set[str]:
    """Names of what a service measures, without the ends that series have."""
    module = importlib.import_module(f"{package}.metrics")
    return {one._name for one in vars(module).values() if isinstance(one, MetricWrapperBase)}


def triggers(manifests: Manifests) -> list[tuple[str, Document]]:
    """(package, trigger) of every scaler."""
    return [
        (scaler["spec"]["scaleTargetRef"]["name"].replace("-", "_"), trigger)
        for scaler in manifests.of("ScaledObject")
        for trigger in scaler["spec"]["triggers"]
    ]


def test_what_waits_and_what_is_done_scale_the_two_that_work_in_loops(manifests: Manifests) -> None:
    assert {(package, trigger["name"]) for package, trigger in triggers(manifests)} == {
        ("delivery_svc", "oldest-due-age"),
        ("delivery_svc", "due"),
        ("delivery_svc", "posts"),
        ("trigger_svc", "calls"),
        ("trigger_svc", "unpublished"),
    }


def test_every_query_asks_for_a_metric_of_the_service_that_it_scales(manifests: Manifests) -> None:
    for package, trigger in triggers(manifests):
        names = re.findall(r"\brunhook_\w+", trigger["metadata"]["query"])
        assert names
        for name in names:
            bare = next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)
            assert bare in metrics_of(package), name


def test_a_prometheus_that_knows_nothing_takes_no_pod_away(manifests: Manifests) -> None:
    assert {trigger["metadata"]["ignoreNullValues"] for _, trigger in triggers(manifests)} == {"false"}


def test_an_age_is_compared_and_a_number_is_shared(manifests: Manifests) -> None:
    kinds = {trigger["name"]: trigger["metricType"] for _, trigger in triggers(manifests)}
    assert kinds.pop("oldest-due-age") == "Value"
    assert set(kinds.values()) == {"AverageValue"}


def test_two_pods_remain_and_they_leave_one_by_one(manifests: Manifests) -> None:
    for scaler in manifests.of("ScaledObject"):
        assert scaler["spec"]["minReplicaCount"] == 2
        down = scaler["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 60}]
