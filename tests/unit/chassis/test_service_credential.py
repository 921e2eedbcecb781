"""The credential of our own processes: one is sent, several are admitted while one is replaced."""

import itertools
from pathlib import Path
from typing import Any, cast

import pytest

from chassis.caller import CREDENTIAL_KEY, Callers
from chassis.channel import service_metadata
from chassis.errors import Unauthenticated
from chassis.settings import Settings, SettingsError

OLD, NEW = "the-old-one-" * 4, "the-new-one-" * 4


def credential(tmp_path: Path, *lines: str) -> str:
    """What a process makes of a file of these lines."""
    file = tmp_path / "credential"
    file.write_text("".join(f"{line}\n" for line in lines))
    read = Settings(service_credential_file=file).service_credential()
    assert read is not None
    return read


async def test_while_it_is_replaced_pods_of_before_and_after_admit_each_other(tmp_path: Path) -> None:
    steps = [(OLD,), (OLD, NEW), (NEW, OLD), (NEW,)]
    for before, after in itertools.pairwise(steps):
        for sends, admits in ((before, after), (after, before)):
            callers = Callers(cast(Any, None), credential(tmp_path, *admits))
            caller = await callers.identify(service_metadata(credential(tmp_path, *sends)))
            assert caller.is_service


async def test_what_is_none_of_the_lines_is_refused(tmp_path: Path) -> None:
    callers = Callers(cast(Any, None), credential(tmp_path, OLD, NEW))
    for wrong in (f"{OLD}\n{NEW}", f"{OLD} {NEW}", "", OLD[:-1]):
        with pytest.raises(Unauthenticated):
            await callers.identify([(CREDENTIAL_KEY, wrong)])


@pytest.mark.parametrize("lines", [(), ("short",), (OLD, "short")])
def test_a_line_that_is_too_short_to_be_a_secret_is_refused(tmp_path: Path, lines: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="fewer than 32 characters"):
        credential(tmp_path, *lines)
