"""Prints the image's bill of materials (CycloneDX 1.5), run inside of it: every Python distribution and Debian package.

Invariant: what stands in it is there. A package whose files were removed is left out, whatever its manager's list says;
what a wheel carries inside itself, such as a C library, is part of that wheel and has no line of its own.
"""

import json
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import quote

Component = dict[str, object]
_DPKG = Path("/var/lib/dpkg")
# What stays of a package when only what it says of itself is left.
_PAPERS = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/lintian/", "/usr/share/python3/")


def bill(name: str) -> dict[str, object]:
    """The document: `name` is the distribution that the image is made for."""
    ours, *others = sorted(python_packages(), key=lambda one: (one["name"] != name, str(one["name"])))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**ours, "type": "application"}},
        "components": [interpreter(), *others, *debian_packages()],
    }


def interpreter() -> Component:
    """The Python that runs all this, wherever it came from."""
    version = platform.python_version()
    return _component("python", version, f"pkg:generic/python@{version}")


def python_packages() -> Iterator[Component]:
    """What the environment holds that this very Python belongs to."""
    for found in distributions():
        name = found.metadata["Name"].lower().replace("_", "-").replace(".", "-")
        component = _component(name, found.version, f"pkg:pypi/{name}@{quote(found.version)}")
        yield component | _licence(found)


def debian_packages() -> Iterator[Component]:
    """What dpkg calls installed and is; nothing where the base is no Debian."""
    status = _DPKG / "status"
    system = platform.freedesktop_os_release()
    for paragraph in status.read_text().split("\n\n") if status.exists() else ():
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if line[:1].strip() and ": " in line)
        if fields.get("Status", "").endswith(" installed") and _is_there(fields["Package"], fields["Architecture"]):
            name, version = fields["Package"], fields["Version"]
            where = f"arch={fields['Architecture']}&distro={system['ID']}-{system['VERSION_ID']}"
            yield _component(name, version, f"pkg:deb/{system['ID']}/{quote(name)}@{quote(version)}?{where}")


def _is_there(name: str, architecture: str) -> bool:
    """Whether one of its files is; packages of directories and papers alone count as there."""
    lists = [_DPKG / "info" / f"{stem}.list" for stem in (name, f"{name}:{architecture}")]
    listed = next(path for path in lists if path.exists()).read_text().splitlines()
    parents = {line.rpartition("/")[0] for line in listed}
    files = [line for line in listed if line not in parents and line != "/." and not line.startswith(_PAPERS)]
    return not files or any(Path(file).exists() for file in files)


def _component(name: str, version: str, purl: str) -> Component:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _licence(found: Distribution) -> Component:
    """What its metadata calls its licence, where that is an expression."""
    papers = found.metadata
    return {"licenses": [{"expression": papers["License-Expression"]}]} if "License-Expression" in papers else {}


if __name__ == "__main__":
    json.dump(bill("runhook-platform"), sys.stdout, indent=1)
