"""The one TLS context: verified, modern, and with a private authority only beside the system's."""

import ssl
from pathlib import Path

import pytest
import trustme

from delivery_svc.sending.tls import tls_context


def test_certificates_and_names_are_verified_from_tls_1_2_on() -> None:
    context = tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_private_authority_is_trusted_beside_the_systems(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    assert tls_context(str(file)).cert_store_stats()["x509_ca"] == tls_context().cert_store_stats()["x509_ca"] + 1


def test_a_file_without_a_certificate_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    with pytest.raises(OSError, match="No such file"):
        tls_context(str(file))
    file.write_text("hello")
    with pytest.raises(ssl.SSLError):
        tls_context(str(file))
