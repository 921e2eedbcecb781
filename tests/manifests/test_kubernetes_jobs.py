"""The component that lets the runner carry out runs as Jobs."""

import pytest

from runner.settings import RunnerSettings
from tests.support.manifests import Manifests, Workload, mixed


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    """Base with the component, as an overlay has them."""
    return mixed("base", "kubernetes-jobs")


@pytest.fixture
def runner(manifests: Manifests) -> Workload:
    (found,) = [workload for workload in manifests.ours if workload.module == "runner"]
    return found


def test_the_runner_is_told_the_image_that_it_runs_from_and_who_it_is(runner: Workload) -> None:
    variables = {one["name"]: one for one in runner.main["env"]}
    assert variables["RUNHOOK_RUNNER_JOB_IMAGE"]["value"] == runner.main["image"]
    assert variables["RUNHOOK_RUNNER_POD_UID"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.uid"
    assert {"runner_job_image", "runner_pod_uid"} <= set(RunnerSettings.model_fields)


def test_the_runner_alone_has_an_account_with_rights_in_its_own_namespace(
    manifests: Manifests, runner: Workload
) -> None:
    (binding,) = manifests.of("RoleBinding")
    (role,) = manifests.of("Role")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [one["name"] for one in binding["subjects"]] == [runner.pod["serviceAccountName"]]
    assert {one["metadata"]["namespace"] for one in (role, binding)} == {"runhook"}
    assert manifests.of("ClusterRole", "ClusterRoleBinding") == []
    mounting = [
        workload.name for workload in manifests.workloads if workload.pod.get("automountServiceAccountToken", True)
    ]
    assert mounting == ["runner"]


def test_no_verb_reads_a_secret_or_enters_a_pod(manifests: Manifests) -> None:
    (role,) = manifests.of("Role")
    of = {resource: rule["verbs"] for rule in role["rules"] for resource in rule["resources"]}
    assert of["secrets"] == ["create"]
    assert not {"pods/exec", "pods/attach", "pods/portforward"} & of.keys()
    assert "*" not in {*of, *(verb for verbs in of.values() for verb in verbs)}
