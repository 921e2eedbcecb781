"""The built image, unpacked: what it says of itself, and its programs run as a pod would run them.

Invariant: a program sees a root that it cannot write, and runs as the image's user without further rights (enter.sh).
"""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_ENTER = Path(__file__).with_name("enter.sh")
# What a container's runtime makes for its mounts.
_MOUNT_POINTS = ("proc", "dev", "tmp", "etc/runhook", "var/lib/runhook")
_STOP_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Image:
    """`root` is a folder with all that it holds, `inspected` what buildah says of it, `revision` what it was built from."""

    root: Path
    inspected: Mapping[str, Any]
    revision: str

    @property
    def config(self) -> dict[str, Any]:
        """User, Env, Cmd, Labels and so on, as in the OCI image configuration."""
        return dict(self.inspected["OCIv1"]["config"])

    @property
    def environment(self) -> dict[str, str]:
        """What its programs start with."""
        return dict(line.split("=", 1) for line in self.config["Env"])

    @property
    def bill(self) -> dict[str, Any]:
        """The bill of materials inside of it."""
        text = (self.root / "usr/share/runhook/bill-of-materials.cdx.json").read_text()
        return dict(json.loads(text))

    @property
    def packages(self) -> Path:
        """Where our code and all that it stands on is installed."""
        return self.root / "opt/runhook/lib/python3.11/site-packages"

    def make_mount_points(self) -> None:
        """As a container's runtime does before the first start."""
        for name in _MOUNT_POINTS:
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def start(
        self, program: Sequence[str], *, configuration: Path, environment: Mapping[str, str], log: IO[bytes]
    ) -> "Pod":
        """Start a program, the first of its processes as in a container; `configuration` becomes /etc/runhook."""
        namespaces = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
        process = subprocess.Popen(
            [*namespaces, str(_ENTER), str(self.root), str(configuration), *program],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**self.environment, **environment},
        )
        return Pod(process)

    def run(self, *program: str, configuration: Path, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run a program to its end; its exit code and what it wrote."""
        log = configuration.with_suffix(".log")
        with log.open("w+b") as written:
            pod = self.start(program, configuration=configuration, environment=environment or {}, log=written)
            return pod.wait(), log.read_text()


class Pod:
    """A running program of the image."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def is_over(self) -> bool:
        """Whether it ended by itself."""
        return self._process.poll() is not None

    def wait(self) -> int:
        """Its exit code, when it ends within a minute; killed otherwise."""
        try:
            return self._process.wait(_STOP_SECONDS)
        finally:
            self.kill()

    def stop(self) -> int:
        """SIGTERM for the program, as the kubelet sends it; the exit code."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for pid in children.read_text().split() if not self.is_over() else ():
            os.kill(int(pid), signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """The end of it, whatever it does."""
        self._process.kill()
        self._process.wait()
