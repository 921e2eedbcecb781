"""Job templates and what is made of them: what a file may say, and that Kubernetes takes what is sent."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis import identity
from chassis.settings import SettingsError
from runner.commands import has_jobs, load_commands
from runner.invocation import Order
from runner.kubernetes.job_object import Surroundings, job_name, job_object, label_of, secret_object
from runner.kubernetes.jobs import Job, load_jobs, parse_jobs
from tests.support.kube_api import schema_errors

AROUND = Surroundings(
    image="runhook:1",
    trigger_svc="trigger-svc:50051",
    runner="runner-0",
    life="abc",
    owner=("runner-0", "uid-1"),
    passthrough=None,
    kill_seconds=5,
)


def template(*, pod: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    """A good template, changed."""
    command = {"name": "etl", "image": "etl:1", "command": ["etl"], "args": ["--day", "{day}"], **container}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "spec": {"template": {"spec": {"containers": [command], **(pod or {})}}},
    }


def job(tmp_path: Path, document: object, **table: Any) -> Job:
    """The one job of a file."""
    (tmp_path / "job.yaml").write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    words = {"template": "job.yaml", "slots": {"day": ".*"}, **table}
    return parse_jobs({"jobs": {"etl": words}}, tmp_path)["etl"]


def order(**changes: Any) -> Order:
    """An order with a payload."""
    values: dict[str, Any] = {
        "run_id": 2**63 - 1,
        "account_id": 1,
        "execution_id": "exe_" + "0" * 27,
        "command": "etl",
        "slots": {"day": "monday"},
        "parameters": {},
        "has_payload": True,
        "timeout_seconds": 90.5,
        "run_token": "rrt_secret",
    }
    return Order(**(values | changes))


def test_a_job_is_what_kubernetes_takes_and_says_whose_it_is(tmp_path: Path) -> None:
    made = job_object(job(tmp_path, template(), artifacts=["*.json"]), order(), 2**63 - 1, AROUND)
    assert schema_errors(made) == []
    assert made["metadata"]["name"] == f"runhook-{2**63 - 1}-{2**63 - 1}"
    assert len(made["metadata"]["name"]) <= 63 - len("-abcde")
    assert made["metadata"]["labels"] == made["spec"]["template"]["metadata"]["labels"]
    assert made["metadata"]["labels"]["runhook/lease-id"] == str(2**63 - 1)
    assert made["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "runner-0", "uid": "uid-1"}
    ]
    spec = made["spec"]
    assert (spec["backoffLimit"], spec["parallelism"], spec["completions"]) == (0, 1, 1)
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (151, 300)
    pod = spec["template"]["spec"]
    assert (pod["restartPolicy"], pod["automountServiceAccountToken"]) == ("Never", False)
    assert [one["name"] for one in pod["initContainers"]] == ["runhook-fetch", "runhook-artifacts"]
    assert pod["containers"][0]["command"] == ["/bin/sh", "/runhook/payload/enter", "etl"]
    assert pod["containers"][0]["args"] == ["--day", "monday"]


def test_the_token_is_in_the_secret_alone_and_mounted_where_the_payload_is_fetched_alone(tmp_path: Path) -> None:
    made = job_object(job(tmp_path, template(), artifacts=["*"]), order(), 7, AROUND)
    assert "rrt_secret" not in json.dumps(made)
    mounting = [
        one["name"]
        for kind in ("initContainers", "containers")
        for one in made["spec"]["template"]["spec"][kind]
        if "runhook-token" in {mount["name"] for mount in one["volumeMounts"]}
    ]
    assert mounting == ["runhook-fetch"]
    secret = secret_object(order(), 7, "uid-of-job", AROUND)
    assert schema_errors(secret) == []
    assert secret["stringData"] == {"token": "rrt_secret"}
    assert secret["metadata"]["ownerReferences"][0]["uid"] == "uid-of-job"
    assert "rrt_secret" not in repr(order())


def test_where_the_payload_is_fetched_alone_is_the_identity_for_mutual_tls(tmp_path: Path) -> None:
    around = replace(AROUND, tls_secret="runhook-job-identity")
    made = job_object(job(tmp_path, template(), artifacts=["*"]), order(), 7, around)
    assert schema_errors(made) == []
    pod = made["spec"]["template"]["spec"]
    assert {"name": "runhook-identity", "secret": {"secretName": "runhook-job-identity"}} in pod["volumes"]
    containers = [*pod["initContainers"], *pod["containers"]]
    mounts = {one["name"]: {mount["name"]: mount["mountPath"] for mount in one["volumeMounts"]} for one in containers}
    assert [name for name, mounted in mounts.items() if "runhook-identity" in mounted] == ["runhook-fetch"]
    told = {variable["name"]: variable["value"] for variable in pod["initContainers"][0]["env"]}
    files = [told[variable].rpartition("/") for variable in (identity.CERT, identity.KEY, identity.CA)]
    assert {folder for folder, _, _ in files} == {mounts["runhook-fetch"]["runhook-identity"]}
    assert [name for _, _, name in files] == ["tls.crt", "tls.key", "ca.crt"]


def test_a_run_without_a_payload_needs_neither_token_nor_shell(tmp_path: Path) -> None:
    made = job_object(job(tmp_path, template()), order(has_payload=False), 7, AROUND)
    assert schema_errors(made) == []
    pod = made["spec"]["template"]["spec"]
    assert pod["initContainers"] == []
    assert pod["containers"][0]["command"] == ["etl"]
    assert [volume["name"] for volume in pod["volumes"]] == ["runhook-run"]


def test_our_containers_keep_the_restricted_profile_as_the_commands_user(tmp_path: Path) -> None:
    for document, user in [
        (template(), 65532),
        (template(pod={"securityContext": {"runAsUser": 1000}}), 1000),
        (template(securityContext={"runAsUser": 2000}, pod={"securityContext": {"runAsUser": 1000}}), 2000),
    ]:
        made = job_object(job(tmp_path, document, artifacts=["*"]), order(), 7, AROUND)
        for container in made["spec"]["template"]["spec"]["initContainers"]:
            security = container["securityContext"]
            assert (security["runAsUser"], security["runAsNonRoot"]) == (user, True)
            assert security["capabilities"] == {"drop": ["ALL"]}


def test_a_value_never_becomes_a_variable_of_kubernetes(tmp_path: Path) -> None:
    filled = job(tmp_path, template(env=[{"name": "DAY", "value": "{day}"}], resources={"limits": {"memory": "{day}"}}))
    command = job_object(filled, order(slots={"day": "$(PASSWORD)"}), 7, AROUND)["spec"]["template"]["spec"][
        "containers"
    ][0]
    assert command["args"] == ["--day", "$$(PASSWORD)"]
    assert command["env"][0]["value"] == "$$(PASSWORD)"
    assert command["resources"]["limits"]["memory"] == "$(PASSWORD)"  # Kubernetes reads none there


def test_preset_dbt_keeps_its_results_in_the_runs_directory(tmp_path: Path) -> None:
    dbt = job(tmp_path, template(env=[{"name": "DBT_LOG_PATH", "value": "/tmp"}]), preset="dbt")
    assert dbt.artifacts == ("target/run_results.json", "target/manifest.json")
    command = job_object(dbt, order(), 7, AROUND)["spec"]["template"]["spec"]["containers"][0]
    variables = [(one["name"], one["value"]) for one in command["env"]]
    assert ("DBT_TARGET_PATH", "/runhook/run/target") in variables
    assert [value for name, value in variables if name == "DBT_LOG_PATH"] == ["/tmp"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("[", "is not valid YAML"),
        ("- a", "must be one document of apiVersion batch/v1, kind Job"),
        ({"apiVersion": "batch/v1", "kind": "CronJob"}, "must be one document"),
        (
            {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"spec": {"containers": []}}}},
            "one container",
        ),
        (template(command=[]), "containers.0.command: is missing"),
        (template(image="etl:{day}"), None),
        (template(args=["{other}"]), "{other} is none of day, run_directory"),
        (template(args=["x"]), "slot day is nowhere in the template"),
        (template(command=["{day}"], args=[]), "slot day is nowhere in the template"),
        (template(pod={"restartPolicy": "OnFailure"}), "restartPolicy: must be Never"),
        (template(pod={"volumes": [{"name": "runhook-run"}]}), "volumes.runhook-run: names that begin with runhook-"),
        (template(env=[{"name": "RUNHOOK_RUN_ID", "value": "7"}]), "env.RUNHOOK_RUN_ID: is set by the runner"),
        (template(env=[{"name": "region", "value": "eu"}]), "parameters.region: is set by the template already"),
        ({**template(), "metadata": {"name": "mine"}}, "metadata.name: is set by the runner"),
        ({**template(), "spec": {**template()["spec"], "backoffLimit": 3}}, "spec.backoffLimit: is set by the runner"),
    ],
)
def test_a_bad_template_is_refused_before_any_run(tmp_path: Path, document: object, words: str | None) -> None:
    if words is None:  # an image is nobody's to choose: its braces are its own
        assert job(tmp_path, document).template.fill({"day": "x", "run_directory": "y"})
        return
    with pytest.raises(SettingsError, match=re.escape(words)):
        job(tmp_path, document, parameters={"region": ".*"})


def test_every_bad_thing_is_named_at_once(tmp_path: Path) -> None:
    tables = {
        "A": {"template": "missing.yaml"},
        "b": {"template": "missing.yaml", "slots": {"run_directory": "x"}, "artifacts": ["/etc"]},
        "c": {},
        "d": {"template": "x", "argv": ["x"]},
    }
    with pytest.raises(SettingsError) as refused:
        parse_jobs({"jobs": tables, "commands": {"b": {}}}, tmp_path)
    text = str(refused.value)
    for words in ("jobs.A.name", "jobs.A.template: cannot read", "jobs.b.name: a command has it", "jobs.b.slots.run_directory",
                  "jobs.b.artifacts", "jobs.c.template", "jobs.d.argv"):  # fmt: skip
        assert words in text


def test_a_file_may_hold_jobs_alone(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(template(args=[])))
    (tmp_path / "commands.toml").write_text('[jobs.etl]\ntemplate = "job.yaml"\n')
    assert has_jobs(tmp_path / "commands.toml")
    assert load_commands(tmp_path / "commands.toml").by_name == {}
    assert list(load_jobs(tmp_path / "commands.toml")) == ["etl"]


@pytest.mark.parametrize("name", ["runner-0", "a" * 63, "a" * 64, "host.example.com-", "\u00fc", "-x-", "a" * 253])
def test_every_name_of_a_pod_makes_a_label(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?", label_of(name))


def test_names_are_made_of_run_and_lease_alone() -> None:
    assert job_name(7, 9) == "runhook-7-9"
