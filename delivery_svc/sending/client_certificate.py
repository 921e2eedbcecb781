"""What is shown to endpoints that ask who calls (mTLS): a certificate of the subscription's own, and the context made of it.

Invariant: a private key is in memory alone, or in a file that no name leads to, and in no message: what is wrong with one is
said in words of our own. A connection that showed one certificate never carries what belongs to another: the certificate's
fingerprint is part of the endpoint's origin.
"""

import asyncio
import hashlib
import os
import ssl
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509

#: A context holds the system's roots, about 1 MB. One that was forgotten lives on as long as its connections.
MOST_CONTEXTS = 64


class ClientCertificateError(Exception):
    """Why a certificate cannot be shown: a sentence for people, which says what to do."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """PEM of the chain, the subscription's own first, and of its key. `fingerprint` tells one pair from another."""

    chain: bytes = field(repr=False)
    key: bytes = field(repr=False)
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        pair = b"%d\n%b%b" % (len(self.chain), self.chain, self.key)
        object.__setattr__(self, "fingerprint", hashlib.blake2b(pair, digest_size=16).digest())


@dataclass(frozen=True, slots=True)
class _Known:
    context: ssl.SSLContext | None  # None: certificate or key cannot be read
    expires_at: datetime


class ClientContexts:
    """A context per certificate, each made once: up to 64, the longest unused forgotten first. `fresh` makes one without."""

    def __init__(self, fresh: Callable[[], ssl.SSLContext]) -> None:
        self._fresh = fresh
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._making: dict[bytes, asyncio.Future[_Known]] = {}

    async def of(self, certificate: ClientCertificate) -> ssl.SSLContext:
        """The context that shows this certificate. ClientCertificateError when it cannot be shown; OSError."""
        known = self._known.get(certificate.fingerprint)
        if known is None:
            known = await self._made(certificate)
        else:
            self._known.move_to_end(certificate.fingerprint)
        if known.context is None:
            raise ClientCertificateError(
                "The client certificate or its private key cannot be read: give the subscription both again."
            )
        if known.expires_at <= datetime.now(UTC):
            raise ClientCertificateError(
                f"The client certificate expired at {known.expires_at:%Y-%m-%d %H:%M} UTC: give the subscription a new one."
            )
        return known.context

    async def _made(self, certificate: ClientCertificate) -> _Known:
        """Made in a thread, since it takes 30 ms, and once, however many ask. Who gives up leaves it to the others."""
        making = self._making.get(certificate.fingerprint)
        if making is None:
            making = asyncio.get_running_loop().run_in_executor(None, _read, certificate, self._fresh)
            self._making[certificate.fingerprint] = making
            making.add_done_callback(lambda made: self._keep(certificate.fingerprint, made))
        return await asyncio.shield(making)

    def _keep(self, fingerprint: bytes, made: asyncio.Future[_Known]) -> None:
        del self._making[fingerprint]
        if made.cancelled() or made.exception() is not None:
            return
        self._known[fingerprint] = made.result()
        while len(self._known) > MOST_CONTEXTS:
            self._known.popitem(last=False)


def _read(certificate: ClientCertificate, fresh: Callable[[], ssl.SSLContext]) -> _Known:
    context = fresh()
    try:
        expires_at = x509.load_pem_x509_certificate(certificate.chain).not_valid_after_utc
        with _file_of(certificate) as path:
            # With a password OpenSSL asks nobody for one.
            context.load_cert_chain(path, password="")
    except (ValueError, ssl.SSLError):
        return _Known(None, datetime.max.replace(tzinfo=UTC))
    return _Known(context, expires_at)


@contextmanager
def _file_of(certificate: ClientCertificate) -> Iterator[str]:
    """Where OpenSSL finds both, since it reads files alone: in memory on Linux; elsewhere in a file that is removed at once."""
    content = b"%b\n%b\n" % (certificate.chain, certificate.key)
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client certificate")
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            file.write(content)
            yield f"/proc/self/fd/{descriptor}"
        return
    with tempfile.NamedTemporaryFile(buffering=0) as file:  # readable by its owner alone
        file.write(content)
        yield file.name
