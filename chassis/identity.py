"""Who a process is to the others over mutual TLS: its certificate, its key, and the authority by which it knows them.

The files are read again when they change, so a renewal needs no restart. Invariant: files that do not belong together are
never used. At the start that is an error; later what was read before stays, and the log says so.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from prometheus_client import Gauge

from chassis.logs import get_logger
from chassis.settings import Settings, SettingsError

log = get_logger()
CERT, KEY, CA = "RUNHOOK_TLS_CERT_FILE", "RUNHOOK_TLS_KEY_FILE", "RUNHOOK_TLS_CA_FILE"
#: How often the files are looked at, at most.
LOOK_SECONDS = 5.0
EXPIRY = Gauge(
    "runhook_tls_certificate_expiry_seconds",
    "When the certificate that the process shows the others ends, as Unix time; 0 without mTLS. Less than a week ahead, its "
    "renewal fails.",
)
Stamp = tuple[tuple[int, int, int], ...]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """One state of the three files, PEM."""

    certificate: bytes
    key: bytes = field(repr=False)
    authority: bytes

    def for_channel(self) -> grpc.ChannelCredentials:
        """Shows the certificate, and wants the authority's word for the name that was dialled."""
        return grpc.ssl_channel_credentials(self.authority, self.key, self.certificate)

    def for_server(self) -> grpc.ServerCertificateConfiguration:
        """Shows the certificate, and knows the authority that clients must have theirs from."""
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], self.authority)


class Identity:
    """The three files. SettingsError when they cannot be used at the start."""

    def __init__(self, certificate: Path, key: Path, authority: Path) -> None:
        self._files = {CERT: certificate, KEY: key, CA: authority}
        self._stamp = self._look()
        self._papers = self._read()
        self._looked = time.monotonic()

    @property
    def papers(self) -> Papers:
        """The newest that can be used; the same object until they change. Any thread may ask."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._renew()
        return self._papers

    def for_server(self) -> grpc.ServerCredentials:
        """Wants a certificate of every client; whoever connects after a renewal meets the new papers."""
        return grpc.dynamic_ssl_server_credentials(
            self.papers.for_server(),
            self._renewals(),  # type: ignore[arg-type]  # None is "no change", says gRPC; its stubs do not
            require_client_authentication=True,
        )

    def _renewals(self) -> Callable[[], grpc.ServerCertificateConfiguration | None]:
        used = self.papers

        def newer() -> grpc.ServerCertificateConfiguration | None:
            """What gRPC asks, in a thread of its own, before it shakes hands with a client."""
            nonlocal used
            if (newest := self.papers) is used:
                return None
            used = newest
            return newest.for_server()

        return newer

    def _renew(self) -> None:
        try:
            if (stamp := self._look()) == self._stamp:
                return
            self._papers = self._read()
        except SettingsError as error:
            log.warning("identity.unusable", problems=error.problems)
            return
        self._stamp = stamp
        log.info("identity.renewed")

    def _look(self) -> Stamp:
        """What tells one state of the files from another; taken before they are read."""
        stats = [_asked(path.stat, path, variable) for variable, path in self._files.items()]
        return tuple((one.st_mtime_ns, one.st_ino, one.st_size) for one in stats)

    def _read(self) -> Papers:
        certificate, key, authority = (
            _asked(path.read_bytes, path, variable) for variable, path in self._files.items()
        )
        ends = _end_of_pair(certificate, key)
        _parsed(CA, authority)
        EXPIRY.set(ends)
        return Papers(certificate=certificate, key=key, authority=authority)


def identity_of(settings: Settings) -> Identity | None:
    """Of a process that was told of the three files; None where gRPC goes in the clear."""
    if settings.tls_cert_file is None or settings.tls_key_file is None or settings.tls_ca_file is None:
        return None  # all or none: settings saw to that
    return Identity(settings.tls_cert_file, settings.tls_key_file, settings.tls_ca_file)


def _asked(ask: Callable[[], Answer], path: Path, variable: str) -> Answer:
    try:
        return ask()
    except OSError as error:
        raise SettingsError([f"{variable}: cannot read {path}: {error.strerror}"]) from error


def _end_of_pair(certificate: bytes, key: bytes) -> float:
    """When the certificate ends, as Unix time; SettingsError where the key is not its own."""
    [own, *_] = _parsed(CERT, certificate)
    try:
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:  # TypeError: it wants a pass phrase
        raise SettingsError([f"{KEY}: is no PEM key without a pass phrase"]) from error
    forms = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*forms) != own.public_key().public_bytes(*forms):
        raise SettingsError([f"{CERT}, {KEY}: the key is not the certificate's: mount both from one place"])
    return own.not_valid_after_utc.timestamp()


def _parsed(variable: str, text: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text)
    except ValueError as error:
        raise SettingsError([f"{variable}: holds no PEM certificate"]) from error
