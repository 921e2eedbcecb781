"""The runner's smaller nouns: the tail of an output, a held lease, artifacts, directories, orders off the wire."""

import os
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration

from chassis.settings import SettingsError
from runhook.trigger.v1.run_pb2 import RunOrder
from runner.artifacts import MOST_BYTES, artifact_name, collect
from runner.convert import order_of
from runner.held import HeldRun
from runner.settings import RunnerSettings
from runner.tail import Tail
from runner.workspace import Workspace


@pytest.mark.parametrize("size", [1, 3, 10, 11, 25])
def test_a_tail_keeps_exactly_the_last_bytes(size: int) -> None:
    everything = bytes(range(200))
    tail = Tail(10)
    for start in range(0, 200, size):
        tail.write(everything[start : start + size])
    assert (tail.kept, tail.total) == (everything[-10:], 200)


def test_a_run_is_overdue_in_time_to_be_dead_before_its_lease_is_over() -> None:
    held = HeldRun(run_id=1, lease_id=1)
    assert not held.overdue(1e9, 5)
    held.kept_at = 100.0
    assert (held.overdue(124.9, 5), held.overdue(125.1, 5)) == (False, True)
    assert (held.beat_due(109.9, 10), held.beat_due(110.1, 10)) == (False, True)
    held.lose()
    assert held.lost
    assert held.stop.is_set()


def test_a_short_lease_is_kept_and_given_up_sooner() -> None:
    held = HeldRun(run_id=1, lease_id=1, lease_seconds=3, kept_at=100.0)
    assert (held.beat_due(100.9, 10), held.beat_due(101.1, 10)) == (False, True)
    assert (held.overdue(101.9, 5), held.overdue(102.1, 5)) == (False, True)


def test_artifacts_are_regular_files_of_the_run_and_16_mib_in_all(tmp_path: Path) -> None:
    files = tmp_path / "files"
    (files / "a" / "b").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (files / "first.json").write_text("1")
    (files / "a" / "first.json").write_text("other of the same name")
    (files / "a" / "b" / ".odd näme").write_text("3")
    (files / "large.bin").write_bytes(b"x" * MOST_BYTES)
    (files / "link").symlink_to(tmp_path / "secret")
    (files / "way_out").symlink_to(tmp_path)
    os.mkfifo(files / "pipe")
    artifacts, left_out = collect(files, ["*.json", "way_out/secret", "**/*"])
    assert {one.name: one.content for one in artifacts} == {"first.json": b"1", "_odd_n_me": b"3"}
    assert {one.partition(":")[0] for one in left_out} == {"first.json", "large.bin", "link", "pipe"}
    assert artifact_name("x" * 300) == "x" * 255


async def test_a_runs_directory_is_private_and_goes_with_it_whatever_the_command_did(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "work")
    async with workspace.run_directory(7) as directory:
        top = directory.files.parent
        assert [path.stat().st_mode & 0o777 for path in (top, directory.files, directory.temporary)] == [0o700] * 3
        locked = directory.files / "locked"
        locked.mkdir()
        (locked / "file").touch()
        locked.chmod(0)
    assert not top.exists()
    other = Workspace.open(tmp_path / "work")
    assert top.parent.exists(), "another runner in the same place leaves a living one's directory alone"
    workspace.close()
    other.close()
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["lock"]


def test_a_work_directory_that_cannot_be_had_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"RUNHOOK_RUNNER_WORK_DIRECTORY: cannot write in .*: Not a directory"):
        Workspace.open(tmp_path / "file" / "work")


def test_an_order_without_a_timeout_has_the_longest() -> None:
    assert order_of(RunOrder(run_id=1)).timeout_seconds == 86_400
    assert order_of(RunOrder(run_id=1, timeout=Duration(seconds=90, nanos=500_000_000))).timeout_seconds == 90.5


def test_a_runner_proves_itself_with_one_thing(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    needed = {"RUNHOOK_RUNNER_COMMANDS_FILE": "x", "RUNHOOK_RUNNER_TOKEN_FILE": str(token)}
    settings = RunnerSettings.load(needed)
    assert settings.metadata() == (("authorization", "Bearer secret"),)
    assert settings.name == os.uname().nodename[:100]
    with pytest.raises(SettingsError, match="not both"):
        RunnerSettings.load({**needed, "RUNHOOK_SERVICE_CREDENTIAL_FILE": str(token)})
