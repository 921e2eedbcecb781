"""The code reads what the pods are told: every variable, every mounted file, every port."""

import subprocess
from pathlib import Path

import pytest

from chassis.grpc_server import READINESS
from chassis.keyring import KeyRing
from chassis.settings import ServiceSettings, Settings
from gateway.routes import ALIVE
from runner.commands import load_commands
from tests.support.manifests import DEPLOY, Manifests
from tests.support.pod_settings import placed, settings_class

FIVE = {"subscription_svc", "delivery_svc", "trigger_svc", "gateway", "runner"}


def port(address: str) -> int:
    """Of host:port."""
    return int(address.rpartition(":")[2])


def test_all_five_processes_are_there(manifests: Manifests) -> None:
    assert {workload.module for workload in manifests.ours} == FIVE
    assert all(workload.name == str(workload.module).replace("_", "-") for workload in manifests.ours)


def test_every_process_accepts_what_it_is_told(manifests: Manifests, tmp_path: Path) -> None:
    """`load` refuses unknown, missing and malformed settings; the secrets are read as the processes read them."""
    for workload in manifests.ours:
        settings = placed(manifests, workload, tmp_path / workload.name)
        assert settings.service_credential()
        if isinstance(settings, ServiceSettings):
            KeyRing.from_file(settings.key_ring_file)


def test_nobody_is_told_what_it_does_not_read(manifests: Manifests) -> None:
    """Settings of others are skipped in silence, so `load` would not notice one in the wrong file."""
    for workload in manifests.ours:
        assert workload.module
        known = {f"RUNHOOK_{field.upper()}" for field in settings_class(workload.module).model_fields}
        assert {variable["name"] for variable in workload.main["env"]} <= known
    shared = manifests.content("ConfigMap", manifests.ours[0].main["envFrom"][0]["configMapRef"]["name"])
    assert shared.keys() <= {f"RUNHOOK_{field.upper()}" for field in Settings.model_fields} | {"RUNHOOK_PUBLIC_URL"}


def test_each_service_has_a_login_role_of_its_own(manifests: Manifests) -> None:
    for workload in manifests.ours:
        url = manifests.environment(workload.main).get("RUNHOOK_DATABASE_URL")
        name = workload.name.removesuffix("-svc")
        assert (url is not None) == workload.name.endswith("-svc")
        assert url is None or url.startswith(f"postgresql://runhook_{name}:")


def test_subscription_svc_alone_migrates_and_as_the_owner(manifests: Manifests) -> None:
    for workload in manifests.ours:
        steps = workload.pod.get("initContainers", [])
        assert [step["command"] for step in steps] == (
            [["python", "-m", "schema", "migrate", "--or-newer"]] if workload.name == "subscription-svc" else []
        )
        for step in steps:
            environment = manifests.environment(step)
            assert environment.keys() == {"RUNHOOK_DATABASE_URL"}
            assert "runhook_" not in environment["RUNHOOK_DATABASE_URL"]


def test_secrets_reach_those_alone_who_read_them(manifests: Manifests) -> None:
    for workload in manifests.ours:
        assert workload.module
        fields = settings_class(workload.module).model_fields
        keys = {item["key"] for item in workload.volume("secrets")["secret"]["items"]}
        expected = {"service-credential"}
        expected |= {"key-ring"} if "key_ring_file" in fields else set()
        expected |= {"console-key"} if "gateway_console_key_file" in fields else set()
        expected |= {"first-token"} if "subscription_first_token_file" in fields else set()
        assert keys == expected


def test_probes_ask_where_the_process_listens(manifests: Manifests, tmp_path: Path) -> None:
    for workload in manifests.ours:
        settings = placed(manifests, workload, tmp_path / workload.name)
        assert workload.ports["metrics"] == port(settings.metrics_address)
        if isinstance(settings, ServiceSettings):
            assert workload.ports["grpc"] == port(settings.grpc_address)
            probes = {kind: workload.main[f"{kind}Probe"]["grpc"] for kind in ("startup", "liveness", "readiness")}
            assert {probe["port"] for probe in probes.values()} == {port(settings.grpc_address)}
            assert [probe.get("service", "") for probe in probes.values()] == ["", "", READINESS]
        else:
            assert workload.main["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}


def test_the_gateway_is_asked_at_its_door_whether_it_lives(manifests: Manifests, tmp_path: Path) -> None:
    (gateway,) = [workload for workload in manifests.ours if workload.module == "gateway"]
    settings = placed(manifests, gateway, tmp_path)
    assert gateway.ports["http"] == port(settings.gateway_address)  # type: ignore[attr-defined]
    for kind in ("startup", "liveness"):
        assert gateway.main[f"{kind}Probe"]["httpGet"] == {"path": ALIVE, "port": "http"}


def test_prometheus_is_told_the_port_of_the_metrics(manifests: Manifests) -> None:
    for document in manifests.of("Deployment"):
        annotations = document["spec"]["template"]["metadata"]["annotations"]
        assert annotations == {"prometheus.io/scrape": "true", "prometheus.io/port": "9090"}


def test_the_targets_are_the_services_and_their_ports(manifests: Manifests, tmp_path: Path) -> None:
    settings = placed(manifests, manifests.ours[0], tmp_path)
    for target in (settings.subscription_svc, settings.delivery_svc, settings.trigger_svc):
        name, _, number = target.removeprefix("dns:///").partition(":")
        service = manifests.named("Service", name)
        assert service is not None
        assert [one["port"] for one in service["spec"]["ports"]] == [int(number)]


def test_the_runner_finds_its_commands(manifests: Manifests, tmp_path: Path) -> None:
    (runner,) = [workload for workload in manifests.ours if workload.module == "runner"]
    settings = placed(manifests, runner, tmp_path)
    commands = load_commands(settings.runner_commands_file)  # type: ignore[attr-defined]
    assert commands.by_name
    assert commands.missing_programs() == []
    writable = [mount["mountPath"] for mount in runner.main["volumeMounts"] if not mount.get("readOnly")]
    # Inside a mount, not the mount itself: an emptyDir is root's, and the runner refuses what is not its own.
    assert any(str(settings.runner_work_directory).startswith(f"{path}/") for path in writable)  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", ["", "host/database", "postgresql://owner@host/database", "postgresql://o:p'@h/d"])
def test_make_secrets_wants_the_owners_whole_url(url: str) -> None:
    said = subprocess.run([DEPLOY / "make-secrets.sh", url], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("usage:")
