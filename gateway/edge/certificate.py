"""The certificate that the door shows, read again when its files change: a renewal needs no restart.

Invariant: a pair of files that does not load is never used. The one before it stays, and the log says so.
"""

import asyncio
import ssl
from pathlib import Path

from cryptography import x509

from chassis.logs import get_logger
from chassis.settings import SettingsError
from gateway import metrics

log = get_logger()
CERT = "RUNHOOK_GATEWAY_TLS_CERT"
KEY = "RUNHOOK_GATEWAY_TLS_KEY"
Stamp = tuple[tuple[int, int, int], ...]


class Certificate:
    """The TLS context for new connections. SettingsError when the files cannot be used at the start."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert = cert
        self._key = key
        self._stamp = self._look()
        self.context = self._load()

    async def renew(self) -> None:
        """Loads the files if they have changed. A context is made anew: the old one would keep a key of another kind."""
        await asyncio.to_thread(self._renew)

    def _renew(self) -> None:
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return
            self.context = self._load()
        except SettingsError as error:
            log.warning("certificate.unusable", problems=error.problems)
            return
        self._stamp = stamp
        log.info("certificate.renewed")

    def _look(self) -> Stamp:
        """What tells one state of the files from another; taken before they are read."""
        stats = [_readable(path, variable).stat() for path, variable in ((self._cert, CERT), (self._key, KEY))]
        return tuple((one.st_mtime_ns, one.st_ino, one.st_size) for one in stats)

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self._cert, self._key, password="")  # an encrypted key is refused, not asked about
            expires = x509.load_pem_x509_certificate(self._cert.read_bytes()).not_valid_after_utc
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or str(error)
            raise SettingsError([f"{CERT}, {KEY}: are not a PEM certificate and its key: {reason}"]) from error
        metrics.CERTIFICATE_EXPIRY.set(expires.timestamp())
        return context


def _readable(path: Path, variable: str) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise SettingsError([f"{variable}: cannot read {path}: {error.strerror}"]) from error
