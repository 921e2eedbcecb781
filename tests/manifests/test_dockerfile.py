"""deploy/Dockerfile without building it (`make image` does that): what it stands on, what comes in, whom it runs as."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.manifests import DEPLOY, Manifests

ROOT = DEPLOY.parent
EXTRAS = ("kubernetes", "otel")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


class Instruction(NamedTuple):
    """One line of the Dockerfile, continuations included; `stage` counts from 0, -1 is before the first."""

    stage: int
    word: str
    rest: str


def instructions() -> list[Instruction]:
    """All of them, without comments."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    stage, found = -1, []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        stage += word == "FROM"
        found += [Instruction(stage, word, " ".join(rest.split()))] if word else []
    return found


ALL = instructions()
LAST = ALL[-1].stage


def said(word: str) -> list[Instruction]:
    """Every instruction of a kind."""
    return [one for one in ALL if one.word == word]


def test_every_stage_stands_on_the_one_pinned_base_or_on_a_stage_before_it() -> None:
    (base,) = [one.rest for one in said("ARG") if one.stage == -1]
    assert re.fullmatch(r"PYTHON_IMAGE=python:\d+\.\d+-slim-[a-z]+", base), "a version and a suite, never latest"
    stages: set[str] = set()
    for one in said("FROM"):
        origin, _, name = one.rest.partition(" AS ")
        assert origin in {"${PYTHON_IMAGE}"} | stages
        stages.add(name)
    assert {one.rest.partition("--from=")[2].split()[0] for one in said("COPY") if "--from=" in one.rest} <= stages


def test_it_runs_as_the_user_that_every_pod_names(manifests: Manifests) -> None:
    (user,) = said("USER")
    assert user.stage == LAST
    securities = [workload.pod["securityContext"] for workload in manifests.ours]
    assert {f"{one['runAsUser']}:{one['runAsGroup']}" for one in securities} == {user.rest}


def test_what_comes_in_comes_from_the_tree_or_by_pip_in_the_first_stage_pinned_and_built() -> None:
    assert said("ADD") == []
    for one in said("RUN"):
        assert not re.search(r"\b(curl|wget|apt|apt-get|git|npm)\b", one.rest), one.rest
        assert one.stage == 0 or "-m pip" not in one.rest
        for call in re.findall(r"-m pip .*?(?=&&|$)", one.rest):
            pinned = "--require-hashes" in call and "--only-binary :all:" in call
            assert pinned or "--no-deps" in call, call
    assert all(one.stage == 0 for one in said("ARG") if one.rest.startswith("PIP_"))


def test_it_keeps_to_the_syntax_that_every_builder_reads() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert "--mount" not in text
    assert "<<" not in text
    assert "# syntax" not in text
    assert {one.word for one in ALL} <= {
        "ARG",
        "FROM",
        "WORKDIR",
        "RUN",
        "COPY",
        "ENV",
        "LABEL",
        "USER",
        "EXPOSE",
        "CMD",
    }


def test_what_it_copies_exists_and_is_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for one in said("COPY"):
        *sources, _ = one.rest.split()
        for source in sources if not one.rest.startswith("--from") else ():
            assert source == "." or source in let_in or source.partition("/")[0] in let_in, source
            assert (ROOT / source).exists(), source
    assert let_in >= set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert let_in >= {PROJECT["project"]["readme"], "LICENSE"}


def test_every_command_of_the_manifests_is_a_program_of_the_image(manifests: Manifests) -> None:
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = {f"{one.rest.split()[-1].rstrip('/')}" for one in said("COPY")}
    ours = [one for workload in manifests.workloads for one in workload.containers if "runhook" in one["image"]]
    assert len(ours) > len(manifests.ours)
    for container in ours:
        program, *rest = container["command"]
        if program == "python":
            assert rest[0] == "-m"
            assert rest[1] in packages
            assert (ROOT / rest[1] / "__main__.py").exists()
        else:
            assert program == "cp" or program in PROJECT["project"]["scripts"], program
            assert program != "cp" or rest[0] in copied


def test_the_images_pins_are_those_of_the_development_environment() -> None:
    pinned = _pins(ROOT / "constraints.txt")
    needed = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    needed += [one for extra in EXTRAS for one in PROJECT["project"]["optional-dependencies"][extra]]
    locked = _pins(DEPLOY / "requirements.txt") | _pins(DEPLOY / "requirements-build.txt")
    assert {name: version for name, version in locked.items() if pinned.get(name) != version} == {}, "make lock"
    needed += [one for name in locked for one in _stands_on(name)]
    assert {canonicalize_name(Requirement(one).name) for one in needed} <= locked.keys(), "make lock"


def test_every_pin_of_the_image_has_a_hash() -> None:
    for name in ("requirements.txt", "requirements-build.txt"):
        lines = [line for line in (DEPLOY / name).read_text().splitlines() if not line.startswith("#")]
        for line, following in pairwise([*lines, ""]):
            assert line.startswith("    --hash=sha256:") or following.startswith("    --hash=sha256:"), line


def _stands_on(name: str) -> list[str]:
    """What a distribution of the development environment needs here without any extra; nothing where it is not installed."""
    try:
        wanted = distribution(name).requires or []
    except PackageNotFoundError:
        return []
    return [one for one in wanted if (marker := Requirement(one).marker) is None or marker.evaluate({"extra": ""})]


def _pins(path: Path) -> dict[str, set[str]]:
    """Versions by name; there are two where a marker decides."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^ ;\\\n]+)", path.read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found
