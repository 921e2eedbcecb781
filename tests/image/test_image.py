"""What the image is made of: enough to run, nothing to build or install with, and a list of it that is true."""

import csv
import stat
import tomllib
from pathlib import Path

from tests.image.built import Image

ROOT = Path(__file__).parents[2]
# What makes programs of sources, and what brings programs in; apt is the base's own and wants root.
TOOLS = {
    *("cc", "c++", "gcc", "g++", "clang", "tcc", "ld", "as", "make", "cmake", "cargo", "go", "node", "npm", "git"),
    *("pip", "pip3", "pipx", "uv", "easy_install", "wheel", "curl", "wget", "python3-config"),
}
FOLDERS_OF_PROGRAMS = ("opt/runhook/bin", "usr/local/bin", "usr/local/sbin", "usr/bin", "usr/sbin")


def distributions(image: Image) -> dict[str, str]:
    """Name and version of each Python distribution, wherever in the image its papers lie."""
    found = [path.name.removesuffix(".dist-info") for path in image.root.rglob("*.dist-info")]
    found += [path.name.removesuffix(".egg-info") for path in image.root.rglob("*.egg-info")]
    return {
        name.lower().replace("_", "-").replace(".", "-"): version
        for name, version in (one.split("-")[:2] for one in found)
    }


def named(image: Image, kind: str) -> dict[str, str]:
    """Name and version of what the bill of materials has of a kind of package: pypi or deb."""
    bill = image.bill
    listed = [*bill["components"], bill["metadata"]["component"]]
    return {one["name"]: one["version"] for one in listed if one["purl"].startswith(f"pkg:{kind}/")}


def test_it_says_what_it_is_and_whom_it_runs_as(image: Image) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    labels = image.config["Labels"]
    prefix = "org.opencontainers.image"
    assert labels[f"{prefix}.version"] == project["version"] == named(image, "pypi")["runhook-platform"]
    assert labels[f"{prefix}.licenses"] == project["license"]
    assert labels[f"{prefix}.revision"] == image.revision
    assert labels[f"{prefix}.title"] == "runhook"
    assert image.config["User"] == "65532:65532"


def test_nothing_in_it_builds_or_installs(image: Image) -> None:
    programs = {path.name for folder in FOLDERS_OF_PROGRAMS for path in (image.root / folder).iterdir()}
    assert programs & TOOLS == set()
    assert not any(name.startswith("pip") for name in programs)
    assert list(image.root.rglob("*.whl")) == []
    assert {"pip", "setuptools", "wheel", "hatchling"} & distributions(image).keys() == set()
    assert list(image.root.rglob("ensurepip")) == []


def test_no_file_of_it_raises_its_callers_rights_and_none_of_ours_is_the_users(image: Image) -> None:
    raising = stat.S_ISUID | stat.S_ISGID
    files = [path for path in image.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in files if path.stat().st_mode & raising] == []
    ours = [path for path in files if path.is_relative_to(image.root / "opt")]
    assert [path for path in ours if path.stat().st_uid != 0 or path.stat().st_mode & stat.S_IWOTH] == []


def test_it_trusts_the_certificates_of_its_base(image: Image) -> None:
    assert (image.root / "etc/ssl/certs/ca-certificates.crt").read_text().count("BEGIN CERTIFICATE") > 50


def test_its_bill_lists_every_distribution_in_the_pinned_version(image: Image) -> None:
    listed = named(image, "pypi")
    assert listed == distributions(image)
    pinned = dict(
        line.partition(" ;")[0].split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    assert {name: version for name, version in listed.items() if pinned.get(name) != version}.keys() == {
        "runhook-platform"
    }
    assert {"grpcio", "asyncpg", "lightkube", "opentelemetry-sdk"} <= listed.keys()


def test_its_bill_lists_the_debian_packages_that_are_there(image: Image) -> None:
    listed = named(image, "deb")
    status = (image.root / "var/lib/dpkg/status").read_text().split("\n\n")
    installed = {
        one.partition("Package: ")[2].partition("\n")[0] for one in status if "Status: install ok installed\n" in one
    }
    assert {"libc6", "openssl", "ca-certificates"} <= listed.keys() <= installed
    # What was removed as files is not there, whatever dpkg's list says.
    assert not {"python3-pip", "python3-setuptools", "python3-wheel"} & listed.keys()
    assert len(listed) > 0.9 * len(installed)


def test_every_reference_of_its_bill_is_there_once(image: Image) -> None:
    bill = image.bill
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    references = [one["bom-ref"] for one in [*bill["components"], bill["metadata"]["component"]]]
    assert len(set(references)) == len(references)


def test_every_file_that_a_distribution_came_with_is_there_as_it_came(image: Image) -> None:
    lost = []
    for record in image.packages.glob("*.dist-info/RECORD"):
        with record.open(newline="") as rows:
            lost += [row[0] for row in csv.reader(rows) if row[2] and not (image.packages / row[0]).exists()]
    assert lost == []


def test_every_module_is_compiled_because_no_start_can_do_so(image: Image) -> None:
    late = [
        path
        for path in image.packages.rglob("*.py")
        if not (path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc").exists()
    ]
    assert late == []
