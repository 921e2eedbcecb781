"""What may be agreed on with a sender, field by field; what is wrong is named and no secret is told."""

import base64
from typing import Any

import pytest

from trigger_svc import call_rule_limits
from trigger_svc.verification_rules import LONGEST_SECRET, PRESETS, bad_fields, bad_secrets, needs_secret, preset_of

V = "trigger.verification"
HMAC = {"preset": "VERIFICATION_PRESET_GENERIC_HMAC", "generic_hmac": {"header": "X-Sig"}}
GITHUB = {"preset": "VERIFICATION_PRESET_GITHUB"}


def hmac(**changes: Any) -> dict[str, Any]:
    """A generic HMAC with these fields."""
    return HMAC | {"generic_hmac": {"header": "X-Sig"} | changes}


@pytest.mark.parametrize(
    "verification",
    [
        {},
        GITHUB,
        {"dedupe_header": "X-Id"},
        GITHUB | {"tolerance": "1s", "dedupe_header": "X-Id"},
        GITHUB | {"tolerance": "86400s"},
        {"preset": "VERIFICATION_PRESET_API_KEY", "api_key_header": "X-Key"},
        hmac(prefix="sha256=", algorithm="sha512", encoding="base64url"),
        hmac(template="{timestamp}.{body}", timestamp_header="X-Time"),
        hmac(template="v0:{timestamp}:{body}", timestamp_header="X-Time"),
    ],
)
def test_a_good_agreement_has_no_bad_field(verification: dict[str, Any]) -> None:
    assert list(bad_fields(verification)) == []


@pytest.mark.parametrize(
    ("verification", "fields"),
    [
        ({"preset": 77}, [f"{V}.preset"]),
        (GITHUB | {"tolerance": "0s"}, [f"{V}.tolerance"]),
        (GITHUB | {"tolerance": "0.500s"}, [f"{V}.tolerance"]),
        (GITHUB | {"tolerance": "86400.001s"}, [f"{V}.tolerance"]),
        (GITHUB | {"generic_hmac": {"header": "X-Sig"}}, [f"{V}.generic_hmac"]),
        (GITHUB | {"api_key_header": "X-Key"}, [f"{V}.api_key_header"]),
        (GITHUB | {"dedupe_header": "X Id"}, [f"{V}.dedupe_header"]),
        (GITHUB | {"dedupe_header": "x" * 101}, [f"{V}.dedupe_header"]),
        ({"preset": "VERIFICATION_PRESET_API_KEY", "api_key_header": "a:b"}, [f"{V}.api_key_header"]),
        ({"preset": "VERIFICATION_PRESET_GENERIC_HMAC"}, [f"{V}.generic_hmac.header"]),
        (hmac(header="\u00e4"), [f"{V}.generic_hmac.header"]),
        (hmac(prefix="\n", algorithm="md5"), [f"{V}.generic_hmac.prefix", f"{V}.generic_hmac.algorithm"]),
        (hmac(encoding="hex64"), [f"{V}.generic_hmac.encoding"]),
        (hmac(template="no place"), [f"{V}.generic_hmac.template"]),
        (hmac(template="{body}{body}"), [f"{V}.generic_hmac.template"]),
        (hmac(template="{url}{body}"), [f"{V}.generic_hmac.template"]),
        (hmac(template="{timestamp}.{body}"), [f"{V}.generic_hmac.timestamp_header"]),
        (hmac(timestamp_header="a b"), [f"{V}.generic_hmac.timestamp_header"]),
    ],
)
def test_every_bad_field_is_named(verification: dict[str, Any], fields: list[str]) -> None:
    assert [bad.field for bad in bad_fields(verification)] == fields


def standard(size: int, prefix: str = "whsec_") -> str:
    """A secret of Standard Webhooks with so many bytes."""
    return prefix + base64.b64encode(bytes(size)).decode()


@pytest.mark.parametrize(
    ("preset", "secrets", "places"),
    [
        ("github", ["s"], []),
        ("github", ["s" * LONGEST_SECRET, "t"], []),
        ("github", [], [""]),
        ("github", ["a", "b", "c"], [""]),
        ("github", ["a", ""], ["[1]"]),
        ("github", ["s" * (LONGEST_SECRET + 1)], ["[0]"]),
        ("github", ["a\x00b", "a\nb"], ["[0]", "[1]"]),
        ("none", [], []),
        ("none", ["s"], [""]),
        ("salesforce", [], []),
        ("salesforce", ["s"], [""]),
        ("basic", ["name:pass:word"], []),
        ("basic", ["hunter2"], ["[0]"]),
        ("api_key", ["abc"], []),
        ("api_key", [" abc", "\u00e4"], ["[0]", "[1]"]),
        ("standard_webhooks", [standard(24), standard(64)], []),
        ("standard_webhooks", [standard(32, "whpk_")], []),
        ("standard_webhooks", [standard(23), standard(65)], ["[0]", "[1]"]),
        ("standard_webhooks", ["abc", standard(31, "whpk_")], ["[0]", "[1]"]),
        ("standard_webhooks", ["whsec_!!!!"], ["[0]"]),
    ],
)
def test_secrets_are_what_their_preset_needs(preset: str, secrets: list[str], places: list[str]) -> None:
    bad = list(bad_secrets({"preset": f"VERIFICATION_PRESET_{preset.upper()}"}, secrets))
    assert [one.field for one in bad] == [f"{V}.secrets{place}" for place in places]
    assert not any(len(secret) > 3 and secret in one.message for secret in secrets for one in bad)


def test_every_preset_of_the_contract_is_known() -> None:
    assert [preset_of({"preset": f"VERIFICATION_PRESET_{one.upper()}"}) for one in PRESETS] == list(PRESETS)
    assert preset_of({"preset": "VERIFICATION_PRESET_UNSPECIFIED"}) == preset_of({}) == "none"
    assert not needs_secret({})


C = "trigger.call_rules"


@pytest.mark.parametrize(
    ("rules", "fields"),
    [
        ({}, []),
        ({"extra_media_types": ["application/cloudevents+json"], "rate_per_second": 10_000.0}, []),
        ({"assumed_media_type": "application/json; charset=utf-8", "rate_per_second": 0.1}, []),
        ({"extra_media_types": ["a/b"] * 21}, [f"{C}.extra_media_types"]),
        ({"extra_media_types": ["a/b", "multipart/form-data"]}, [f"{C}.extra_media_types[1]"]),
        ({"extra_media_types": ["*/*", "a", "a/b;c=d"]}, [f"{C}.extra_media_types[{n}]" for n in range(3)]),
        ({"assumed_media_type": "Multipart/Mixed"}, [f"{C}.assumed_media_type"]),
        ({"assumed_media_type": "json"}, [f"{C}.assumed_media_type"]),
        # The symptom: a trigger whose every call without a type was refused for the type that it was given.
        ({"assumed_media_type": "image/png"}, [f"{C}.assumed_media_type"]),
        ({"assumed_media_type": "text/plain; charset=klingon"}, [f"{C}.assumed_media_type"]),
        ({"assumed_media_type": "a/b", "extra_media_types": ["A/B"]}, []),
        ({"rate_per_second": -0.1}, [f"{C}.rate_per_second"]),
        ({"rate_per_second": 10_001.0}, [f"{C}.rate_per_second"]),
        ({"rate_per_second": "NaN"}, [f"{C}.rate_per_second"]),
        ({"rate_per_second": "Infinity"}, [f"{C}.rate_per_second"]),
    ],
)
def test_rules_of_calls_are_checked_field_by_field(rules: dict[str, Any], fields: list[str]) -> None:
    assert [bad.field for bad in call_rule_limits.bad_fields(rules)] == fields
