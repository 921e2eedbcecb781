"""The committed stubs: every module imports without a warning, on this protobuf and on the generator's older one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.require import missing

ROOT = Path(__file__).parents[3]
OLDER = ROOT / ".venv-protos" / "bin" / "python"
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "runhook").rglob("*_pb2*.py")
)


def _import_all(python: str) -> str:
    """Imports every stub in a fresh interpreter, warnings being errors. Returns its protobuf's version."""
    program = f"import importlib\nfor name in {MODULES!r}:\n    importlib.import_module(name)\n"
    program += "import google.protobuf\nprint(google.protobuf.__version__)"
    ran = subprocess.run(
        [python, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_the_stubs_import_on_protobuf_7() -> None:
    assert _import_all(sys.executable).startswith("7.")


def test_the_stubs_import_on_protobuf_6() -> None:
    if not OLDER.exists():
        missing("the generator's environment .venv-protos (make protos)")
    assert _import_all(str(OLDER)).startswith("6.")


@pytest.mark.parametrize("service", ["subscription", "delivery", "trigger"])
def test_every_service_has_its_contract_in_a_folder_of_its_own(service: str) -> None:
    assert any(name.startswith(f"runhook.{service}.v1.") for name in MODULES)
