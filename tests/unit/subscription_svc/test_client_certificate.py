"""Which client certificates are taken, what is kept of them, and what a complaint never shows."""

import json
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from chassis.errors import InvalidInput
from subscription_svc.client_certificate import dump, dump_told, load_told, read
from tests.support.certificates import NOW, pair, pem_of, pem_of_key, rsa_key

MINE, OTHER = pair("mine"), pair("other")
KEYS: list[Callable[[], Any]] = [
    rsa_key,
    lambda: ec.generate_private_key(ec.SECP256R1()),
    lambda: ec.generate_private_key(ec.SECP384R1()),
    lambda: ec.generate_private_key(ec.SECP521R1()),
    ed25519.Ed25519PrivateKey.generate,
]
UNFIT: list[Callable[[], Any]] = [
    lambda: rsa_key(1024),
    lambda: ec.generate_private_key(ec.SECP256K1()),
    ed448.Ed448PrivateKey.generate,
    lambda: dsa.generate_private_key(2048),
]


def complaints(chain: str, key: str) -> dict[str, str]:
    """What is said of each field."""
    with pytest.raises(InvalidInput) as caught:
        read(chain, key, NOW)
    return {bad.field: bad.message for bad in caught.value.fields}


@pytest.mark.parametrize("make", KEYS)
def test_what_is_taken_can_be_shown_by_tls(make: Callable[[], Any], tmp_path: Path) -> None:
    made = pair(key=make())
    certificate = read(made.chain, made.key, NOW)
    (tmp_path / "both").write_text(certificate.certificate_chain + certificate.private_key)
    ssl.create_default_context().load_cert_chain(tmp_path / "both")


def test_what_may_be_told_is_subject_fingerprint_and_end() -> None:
    told = read(MINE.chain, MINE.key, NOW).told
    fingerprint = json.loads(dump_told(told))["fingerprint"]
    assert (told.subject, told.expires_at) == ("CN=mine", MINE.certificate.not_valid_after_utc)
    assert (len(fingerprint), fingerprint) == (64, fingerprint.lower())
    assert load_told(dump_told(told)) == told


def test_certificates_and_one_key_are_kept_and_nothing_else_of_the_text() -> None:
    around = f"Subject: mine\r\n{OTHER.key}\n"
    certificate = read(around + MINE.chain.replace("\n", "\r\n"), MINE.key + "\n# notes", NOW)
    assert json.loads(dump(certificate)) == {"certificate_chain": MINE.chain, "private_key": MINE.key}
    assert MINE.key.splitlines()[1] not in repr(certificate)


@pytest.mark.parametrize(
    ("chain", "key", "fields"),
    [
        ("", MINE.key, ["certificate_chain"]),
        (MINE.chain, "", ["private_key"]),
        (" ", " ", ["certificate_chain", "private_key"]),
        ("\x00", "\x00", ["certificate_chain", "private_key"]),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "é", ["certificate_chain", "private_key"]),
        (MINE.key, MINE.chain, ["certificate_chain", "private_key"]),
        (MINE.chain + MINE.chain[:200], MINE.key, ["certificate_chain"]),
        (MINE.chain, OTHER.key, ["private_key"]),
        (pem_of(OTHER.certificate) + MINE.chain, MINE.key, ["private_key"]),
    ],
)
def test_what_is_no_certificate_with_its_key_is_named_and_never_repeated(
    chain: str, key: str, fields: list[str]
) -> None:
    found = complaints(chain, key)
    assert list(found) == fields
    for secret in (MINE.key, OTHER.key):
        assert secret.splitlines()[1] not in str(found)


def test_a_certificate_that_has_ended_is_refused_from_that_moment_on() -> None:
    ended = pair(ends=NOW)
    assert "2026-11-22T08:00:00Z" in complaints(ended.chain, ended.key)["certificate_chain"]
    assert read(ended.chain, ended.key, NOW - timedelta(seconds=1)).told.expires_at == NOW
    assert list(complaints(ended.chain, MINE.key)) == ["certificate_chain", "private_key"]


def test_texts_hold_at_most_64_kib_each() -> None:
    full = MINE.chain.ljust(64 * 1024, "\n"), MINE.key.ljust(64 * 1024, "\n")
    assert read(*full, NOW).certificate_chain == MINE.chain
    found = complaints(full[0] + "\n", full[1] + "\n")
    assert set(found.values()) == {"must have at most 65,536 bytes"}
    assert list(found) == ["certificate_chain", "private_key"]


def test_a_key_with_a_pass_phrase_is_refused_as_such() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush")).decode()
    assert "pass phrase" in complaints(pair(key=key).chain, locked)["private_key"]
    older = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"hush")).decode()
    assert "pass phrase" in complaints(pair(key=key).chain, older)["private_key"]


@pytest.mark.parametrize("make", UNFIT)
def test_a_kind_of_key_that_endpoints_do_not_take_is_refused(make: Callable[[], Any]) -> None:
    key = make()
    found = complaints(pair(key=key).chain, pem_of_key(key))
    assert list(found) == ["certificate_chain", "private_key"]
    assert "Ed25519" in found["private_key"]


@pytest.mark.parametrize("changed", ["d", "dmp1", "dmq1", "iqmp"])
def test_an_rsa_key_whose_numbers_contradict_each_other_is_refused(changed: str) -> None:
    whole = rsa_key()
    numbers = whole.private_numbers()
    named = {name: getattr(numbers, name) for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp")}
    named[changed] += 2
    broken = rsa.RSAPrivateNumbers(**named, public_numbers=numbers.public_numbers)
    key = broken.private_key(unsafe_skip_rsa_key_validation=True)
    assert list(complaints(pair(key=whole).chain, pem_of_key(key))) == ["private_key"]
