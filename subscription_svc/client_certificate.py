"""The client certificate that is shown to a subscription's endpoint (mTLS), and its key: which are taken, what may be told.

Invariant: what passes is stored as it was read, certificates and one key written anew, and nothing else of the text; no
complaint repeats any of it.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from chassis.errors import BadField, InvalidInput

KIND = "client_certificate"
MOST_BYTES = 64 * 1024
#: Longer ones hold up whoever signs with them: every other delivery of a pod, when one connects.
RSA_BITS = range(2048, 4096 + 1)
CURVES = ("secp256r1", "secp384r1", "secp521r1")
CHAIN, KEY = "certificate_chain", "private_key"
_BEGIN = re.compile("-----BEGIN [A-Z0-9 ]*CERTIFICATE-----")
_NOT_PEM = "must be PEM: blocks of BEGIN CERTIFICATE, each a certificate that can be read"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_KINDS = "RSA of 2,048 to 4,096 bits, ECDSA on P-256, P-384 or P-521, or Ed25519"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What may be told: whom it names (RFC 4514), SHA-256 of it in lower-case hex, when it ends."""

    subject: str
    fingerprint: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """A certificate, those that lead to its authority, and its key, as PEM. The key is a secret."""

    certificate_chain: str
    private_key: str = field(repr=False)
    told: Told


def read(certificate_chain: str, private_key: str, now: datetime) -> ClientCertificate:
    """The two texts, which belong together. InvalidInput names every bad field; `now` is the database's time."""
    chain, complaint = _chain(certificate_chain, now)
    bad = [BadField(CHAIN, complaint)] if complaint else []
    key, complaint = _key(private_key)
    if complaint is None and chain and key is not None and key.public_key() != chain[0].public_key():
        complaint = f"must be the key of the first certificate in {CHAIN}"
    bad += [BadField(KEY, complaint)] if complaint else []
    if bad or not chain or key is None:
        raise InvalidInput(bad)
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ClientCertificate(
        certificate_chain="".join(one.public_bytes(Encoding.PEM).decode() for one in chain),
        private_key=written.decode(),
        told=_told(chain[0]),
    )


def row_name(subscription_id: int) -> str:
    """What the sealed certificate is bound to; delivery_svc opens it under the same name."""
    return f"{KIND}:{subscription_id}"


def dump(certificate: ClientCertificate) -> bytes:
    """The text that is sealed: a JSON object of the two PEM texts."""
    return json.dumps({CHAIN: certificate.certificate_chain, KEY: certificate.private_key}).encode()


def dump_told(told: Told) -> str:
    """The text that stands beside it, readable."""
    return json.dumps(
        {"subject": told.subject, "fingerprint": told.fingerprint, "expires_at": told.expires_at.isoformat()}
    )


def load_told(dumped: str) -> Told:
    """What such a text says."""
    said = json.loads(dumped)
    return Told(
        subject=said["subject"],
        fingerprint=said["fingerprint"],
        expires_at=datetime.fromisoformat(said["expires_at"]),
    )


def _chain(text: str, now: datetime) -> tuple[list[x509.Certificate], str | None]:
    """The certificates and what is wrong with them."""
    if complaint := _complaint_of_text(text, "the certificate, then those that lead to its authority"):
        return [], complaint
    try:
        chain = x509.load_pem_x509_certificates(text.encode())
        # These are read from the bytes only now, and may turn out to be none.
        sound, ends_at = _is_sound(chain[0].public_key()), _told(chain[0]).expires_at
    except (ValueError, UnsupportedAlgorithm):
        return [], _NOT_PEM
    if len(chain) != len(_BEGIN.findall(text)):  # one that was cut off is passed over in silence
        return [], _NOT_PEM
    if not sound:
        return chain, f"must begin with a certificate for a key of {_KINDS}"
    if ends_at <= now:
        return chain, f"must begin with a certificate that is valid: it ended at {ends_at:%Y-%m-%dT%H:%M:%SZ}"
    return chain, None


def _key(text: str) -> tuple[Key | None, str | None]:
    """The key and what is wrong with it."""
    if complaint := _complaint_of_text(text, "the key of the certificate"):
        return None, complaint
    try:
        # Whether a number of thousands of bits is a prime takes too long to ask: _is_whole asks all else.
        key = load_pem_private_key(text.encode(), None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        return None, "must have no pass phrase: nobody is there to type it"
    except (ValueError, UnsupportedAlgorithm):
        return None, "must be PEM: one block of BEGIN PRIVATE KEY that can be read"
    if not isinstance(key, Key) or not _is_sound(key.public_key()):
        return None, f"must be a key of {_KINDS}"
    if isinstance(key, rsa.RSAPrivateKey) and not _is_whole(key.private_numbers()):
        return None, "must be a whole key: its numbers contradict each other"
    return key, None


def _complaint_of_text(text: str, what: str) -> str | None:
    if not text:
        return f"is required: PEM, {what}"
    if len(text.encode()) > MOST_BYTES:
        return f"must have at most {MOST_BYTES:,} bytes"
    return None


def _is_sound(key: object) -> bool:
    """Whether TLS can use it without harm to anybody."""
    match key:
        case rsa.RSAPublicKey():
            return key.key_size in RSA_BITS
        case ec.EllipticCurvePublicKey():
            return key.curve.name in CURVES
    return isinstance(key, ed25519.Ed25519PublicKey)


def _is_whole(key: rsa.RSAPrivateNumbers) -> bool:
    """Whether every number follows from the two factors; OpenSSL may do anything with a key in which one does not."""
    p, q, public = key.p, key.q, key.public_numbers
    if not (p > 2 < q and p % 2 and q % 2 and p * q == public.n):
        return False
    exponents = (key.dmp1, key.dmq1) == (key.d % (p - 1), key.d % (q - 1))
    undoes = all(key.d * public.e % (factor - 1) == 1 for factor in (p, q))
    return exponents and undoes and key.iqmp * q % p == 1


def _told(certificate: x509.Certificate) -> Told:
    """ValueError when it cannot be read."""
    subject = certificate.subject.rfc4514_string()
    subject.encode()  # a name may hold half a character, which no answer can
    return Told(
        subject=subject,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        expires_at=certificate.not_valid_after_utc.astimezone(UTC),
    )
