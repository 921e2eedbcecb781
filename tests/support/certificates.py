"""Client certificates for tests, each from an authority of its own, with whatever key and end a test wants."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
FAR = datetime(2999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A certificate with its authority's behind it, and its key, all PEM."""

    chain: str
    key: str
    certificate: x509.Certificate

    @property
    def body(self) -> dict[str, Any]:
        """As REST takes it."""
        return {"certificate_chain": self.chain, "private_key": self.key}


def pair(name: str = "client", *, key: Any = None, ends: datetime = FAR) -> Pair:
    """A sound one, unless a test asks for another key or end."""
    authority, mine = ec.generate_private_key(ec.SECP256R1()), key or ec.generate_private_key(ec.SECP256R1())
    root = _certificate("authority", authority.public_key(), "authority", authority, FAR)
    leaf = _certificate(name, mine.public_key(), "authority", authority, ends)
    return Pair(chain=pem_of(leaf) + pem_of(root), key=pem_of_key(mine), certificate=leaf)


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key."""
    return rsa.generate_private_key(65537, bits)


def pem_of(certificate: x509.Certificate) -> str:
    """Its text."""
    return certificate.public_bytes(Encoding.PEM).decode()


def pem_of_key(key: Any) -> str:
    """Its text, without a pass phrase."""
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode()


def _certificate(name: str, public_key: Any, issuer: str, signer: Any, ends: datetime) -> x509.Certificate:
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(ends, NOW) - timedelta(days=10))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
        .sign(signer, algorithm)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
