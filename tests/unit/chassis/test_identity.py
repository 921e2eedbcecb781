"""The three files of mutual TLS: what is refused at the start, and what is not taken up later."""

from pathlib import Path

import pytest
import trustme

from chassis import identity
from chassis.identity import Identity, identity_of
from chassis.settings import Settings, SettingsError
from tests.support.papers import CA, CERT, KEY, fields, issue

NAMES = ("RUNHOOK_TLS_CERT_FILE", "RUNHOOK_TLS_KEY_FILE", "RUNHOOK_TLS_CA_FILE")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(autouse=True)
def _look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "LOOK_SECONDS", 0.0)


def opened(directory: Path) -> Identity:
    return Identity(directory / CERT, directory / KEY, directory / CA)


def test_without_the_settings_there_is_no_identity() -> None:
    assert identity_of(Settings.load({})) is None


def test_with_all_three_there_is_one(authority: trustme.CA, tmp_path: Path) -> None:
    told = issue(authority, tmp_path, "delivery-svc")
    found = identity_of(Settings.load({f"RUNHOOK_{name}": str(path) for name, path in told.items()}))
    assert found is not None
    assert found.papers.certificate == (tmp_path / CERT).read_bytes()
    assert "PRIVATE KEY" not in repr(found.papers)


@pytest.mark.parametrize("missing", NAMES)
def test_half_of_the_settings_is_an_error_that_names_them(missing: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({name: "/some/file" for name in NAMES if name != missing})
    [problem] = caught.value.problems
    assert all(name in problem for name in NAMES)


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        (CERT, None, "RUNHOOK_TLS_CERT_FILE: cannot read"),
        (KEY, None, "RUNHOOK_TLS_KEY_FILE: cannot read"),
        (CA, None, "RUNHOOK_TLS_CA_FILE: cannot read"),
        (CERT, b"", "RUNHOOK_TLS_CERT_FILE: holds no PEM certificate"),
        (KEY, b"", "RUNHOOK_TLS_KEY_FILE: is no PEM key"),
        (CA, b"nonsense", "RUNHOOK_TLS_CA_FILE: holds no PEM certificate"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    authority: trustme.CA, tmp_path: Path, file: str, content: bytes | None, problem: str
) -> None:
    issue(authority, tmp_path, "delivery-svc")
    (tmp_path / file).unlink() if content is None else (tmp_path / file).write_bytes(content)
    with pytest.raises(SettingsError, match=problem):
        opened(tmp_path)


def test_a_key_of_another_certificate_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    issue(authority, tmp_path, "delivery-svc")
    (tmp_path / KEY).write_bytes(authority.issue_cert("another").private_key_pem.bytes())
    with pytest.raises(SettingsError, match="the key is not the certificate's"):
        opened(tmp_path)


def test_papers_are_the_same_object_until_the_files_change(authority: trustme.CA, tmp_path: Path) -> None:
    issue(authority, tmp_path, "delivery-svc")
    own = opened(tmp_path)
    first = own.papers
    assert own.papers is first
    issue(authority, tmp_path, "delivery-svc")
    assert own.papers is not first
    assert own.papers.certificate == (tmp_path / CERT).read_bytes()


def test_a_renewal_that_is_half_written_or_gone_changes_nothing(authority: trustme.CA, tmp_path: Path) -> None:
    issue(authority, tmp_path, "delivery-svc")
    own = opened(tmp_path)
    first = own.papers
    renewed = authority.issue_cert("delivery-svc")
    (tmp_path / KEY).write_bytes(renewed.private_key_pem.bytes())
    assert own.papers is first
    (tmp_path / KEY).unlink()
    assert own.papers is first
    issue(authority, tmp_path, "delivery-svc")
    assert own.papers.certificate == (tmp_path / CERT).read_bytes()


def test_when_the_certificate_ends_is_measured(authority: trustme.CA, tmp_path: Path) -> None:
    told = issue(authority, tmp_path, "delivery-svc")
    identity_of(Settings.model_validate(fields(told)))
    assert identity.EXPIRY.collect()
    [sample] = [one for metric in identity.EXPIRY.collect() for one in metric.samples]
    assert sample.value > 1_700_000_000
