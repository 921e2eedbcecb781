"""What deploy/install.yaml runs, run from the image over a real Postgres: every command starts, and the outbound demo holds."""

from pathlib import Path

import pytest

from examples.demo.inbox import Inbox
from examples.demo.outbound import outbound
from examples.demo.product import Platform
from examples.demo.stage import Stage
from examples.demo.story import Story
from schema import FOLDER
from tests.image.built import Image
from tests.image.cluster import Cluster

NO_RIGHTS = "0" * 16
PROCESSES = ("subscription-svc", "delivery-svc", "trigger-svc", "gateway", "runner")


def test_the_command_of_whoever_looks_inside_says_what_there_is(image: Image, nothing_told: Path) -> None:
    code, said = image.run(*image.config["Cmd"], configuration=nothing_told)
    assert (code, "standalone" in said) == (0, True), said


def test_a_program_of_it_can_write_nowhere_but_in_its_own_folders(image: Image, nothing_told: Path) -> None:
    code, said = image.run("cat", "/proc/self/status", configuration=nothing_told)
    assert code == 0, said
    told = {name: text.split() for name, _, text in (line.partition(":") for line in said.splitlines())}
    assert told["Uid"] == told["Gid"] == ["65532"] * 4
    assert (told["Groups"], told["CapEff"], told["CapPrm"], told["NoNewPrivs"]) == (
        ["65532"],
        [NO_RIGHTS],
        [NO_RIGHTS],
        ["1"],
    )
    for folder in ("/", "/opt/runhook", "/usr", "/etc/runhook", "/var/log"):
        code, said = image.run("touch", f"{folder}/new", configuration=nothing_told)
        assert (code, "Read-only file system" in said) == (1, True), said
    code, said = image.run("touch", "/tmp/new", "/var/lib/runhook/new", configuration=nothing_told)
    assert code == 0, said


def test_the_first_container_of_the_dev_postgres_finds_the_roles_settings(image: Image, nothing_told: Path) -> None:
    code, said = image.run("cat", "/usr/share/runhook/roles.sql", configuration=nothing_told)
    assert (code, said) == (0, (FOLDER / "roles.sql").read_text())


def test_what_a_job_of_the_runner_and_a_trace_need_is_there(image: Image, nothing_told: Path) -> None:
    borrowed = "runner.kubernetes.fetch_payload, runner.kubernetes.hand_over, lightkube, opentelemetry.exporter.otlp.proto.grpc"
    code, said = image.run("/bin/sh", "-c", f"exec python -c 'import {borrowed}'", configuration=nothing_told)
    assert code == 0, said


def test_an_operators_image_over_it_runs_the_operators_programs(with_dbt: Image, nothing_told: Path) -> None:
    project = ["--project-dir", "/opt/shop", "--profiles-dir", "/opt/shop"]
    places = {"DBT_TARGET_PATH": "/tmp/target", "DBT_LOG_PATH": "/tmp/logs", "SHOP_DATABASE": "/tmp/shop.duckdb"}
    code, said = with_dbt.run("/opt/dbt/bin/dbt", "build", *project, configuration=nothing_told, environment=places)
    assert code == 0, said
    assert "ERROR=0" in said


def test_the_schema_is_migrated_from_the_image_and_every_process_gets_ready(running: Cluster) -> None:
    migrations = running.image.packages / "schema/migrations"
    assert running.migrated.count("applied") == len(list(migrations.glob("*.sql"))) > 0
    assert tuple(sorted(running.pods)) == tuple(sorted(PROCESSES))
    assert [name for name in running.pods if not running.is_ready(name)] == []


def test_the_outbound_demo_holds_against_the_images_processes(
    running: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox = Inbox(tmp_path)
    try:
        platform = Platform(
            url=f"http://{running.addresses['gateway']}",
            account_id=1,
            token=running.token,
            delivery_svc=running.addresses["delivery-svc"],
        )
        story = Story()
        outbound(Stage(story=story, product=platform, inbox=inbox))
        holds = story.end()
    finally:
        inbox.close()
    with capsys.disabled():
        print(f"\n{capsys.readouterr().out}")
    assert holds


def test_told_to_end_each_of_them_ends_by_itself_and_well(running: Cluster) -> None:
    """The last test of this file: afterwards nothing runs."""
    assert {name: running.pods[name].stop() for name in reversed(PROCESSES)} == dict.fromkeys(PROCESSES, 0)
