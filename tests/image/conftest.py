"""The built image. Making one takes minutes and root, so nothing here runs but from deploy/image.sh (`make image`)."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.built import Image
from tests.image.cluster import Cluster, cluster


@pytest.fixture(scope="session")
def image() -> Image:
    """What deploy/image.sh built and unpacked."""
    if "IMAGE_ROOT" not in os.environ:
        pytest.skip("builds an image first: make image")
    made = Image(
        root=Path(os.environ["IMAGE_ROOT"]),
        inspected=json.loads(Path(os.environ["IMAGE_INSPECTED"]).read_text()),
        revision=os.environ["IMAGE_REVISION"],
    )
    made.make_mount_points()
    return made


@pytest.fixture(scope="session")
def with_dbt(image: Image) -> Image:
    """What examples/dbt/Dockerfile makes of it."""
    made = Image(root=Path(os.environ["IMAGE_WITH_DBT"]), inspected=image.inspected, revision=image.revision)
    made.make_mount_points()
    return made


@pytest.fixture(scope="session")
def nothing_told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty /etc/runhook."""
    made = tmp_path_factory.mktemp("nothing") / "configuration"
    made.mkdir()
    return made


@pytest.fixture(scope="module")
def running(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The platform of deploy/install.yaml, run from the image; all of it ready."""
    folder = tmp_path_factory.mktemp("cluster")
    with cluster(image, folder) as started:
        yield started
