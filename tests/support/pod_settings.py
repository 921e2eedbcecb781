"""What a process of ours makes of what its pod is told. Invariant: the code's own classes read it, as in the pod."""

import importlib
from pathlib import Path

from chassis.settings import Settings
from tests.support.manifests import Manifests, Workload


def settings_class(module: str) -> type[Settings]:
    """The settings that `python -m module` loads."""
    room = importlib.import_module(f"{module}.settings")
    (found,) = [
        one
        for one in vars(room).values()
        if isinstance(one, type) and one.__module__ == room.__name__ and issubclass(one, Settings)
    ]
    return found


def placed(manifests: Manifests, workload: Workload, root: Path) -> Settings:
    """What the process reads, with its mounted files put under `root`."""
    files = dict(manifests.files(workload, workload.main))
    for path, text in files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    environment = manifests.environment(workload.main)
    for name, value in environment.items():
        if name.endswith("_FILE"):
            assert value in files, f"{workload.name}: {name}={value} is not mounted"
            environment[name] = str(root / value.lstrip("/"))
    assert workload.module
    return settings_class(workload.module).load(environment)
