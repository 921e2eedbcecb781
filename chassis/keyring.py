"""Secrets at rest: AES-256-GCM under a ring of keys, each sealed value bound to the row it belongs to.

A sealed value is `v1.<key id>.` and then nonce and ciphertext as raw bytes. The row id is associated data, so a value
that is copied to another row does not open there. The first key seals, every key opens: a key rotates by being added.
"""

import base64
import binascii
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.settings import SettingsError, read_secret

VERSION = b"v1"
NONCE_BYTES = 12


class KeyRing:
    """Seals and opens secrets. `keys` maps key ids to 32 bytes, the sealing key first."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._ciphers = {key_id.encode(): AESGCM(key) for key_id, key in keys.items()}
        self._sealing = next(iter(self._ciphers))

    @classmethod
    def from_file(cls, path: Path | None, variable: str = "RUNHOOK_KEY_RING_FILE") -> "KeyRing":
        """Reads `<key id>:<base64 of 32 bytes>` lines. SettingsError says what is wrong, never what a key is."""
        if path is None:
            raise SettingsError([f"{variable}: is required: a file of `<key id>:<base64 of 32 bytes>` lines"])
        lines = [line.strip() for line in read_secret(path, variable).splitlines() if line.strip()]
        keys = dict(_key(line, number, variable) for number, line in enumerate(lines, 1))
        if not keys:
            raise SettingsError([f"{variable}: {path} holds no key"])
        if len(keys) < len(lines):
            raise SettingsError([f"{variable}: a key id is there twice: a new key needs a new id"])
        return cls(keys)

    def seal(self, secret: bytes, row: str) -> bytes:
        """Encrypts a secret for the row of that name."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._sealing].encrypt(nonce, secret, row.encode())
        return b".".join((VERSION, self._sealing, nonce + sealed))

    def is_newest(self, sealed: bytes) -> bool:
        """Whether a value was sealed under the first key, so that the others may go as far as it is concerned."""
        return sealed.startswith(b".".join((VERSION, self._sealing, b"")))

    def open(self, sealed: bytes, row: str) -> bytes:
        """Decrypts. ValueError when the key is not on the ring, the row is another, or the bytes were changed."""
        version, key_id, rest = sealed.split(b".", 2)
        cipher = self._ciphers.get(key_id)
        if version != VERSION or cipher is None:
            raise ValueError(f"no key {key_id.decode(errors='replace')!r} on the key ring")
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], row.encode())
        except InvalidTag:
            raise ValueError("a sealed value does not open: wrong key, wrong row, or changed bytes") from None


def _key(line: str, number: int, variable: str) -> tuple[str, bytes]:
    key_id, _, encoded = line.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if not key_id or "." in key_id or len(key) != 32:
        raise SettingsError([f"{variable}: line {number} is not `<key id>:<base64 of 32 bytes>`"])
    return key_id, key
