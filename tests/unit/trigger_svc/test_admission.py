"""A call is admitted as what it is or refused with a reason of the contract, whatever its head and its bytes."""

import base64
import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import DomainError, ResourceExhausted
from runhook.trigger.v1 import trigger_pb2, trigger_service_pb2
from trigger_svc import agreement
from trigger_svc.admission import Admitted, Target, admit
from trigger_svc.agreement import Agreement
from trigger_svc.call import Call
from trigger_svc.call_rules import CallRules
from trigger_svc.element import DATA_MODES, element
from trigger_svc.media_type import CHARSETS
from trigger_svc.verification.verdict import Verdict
from trigger_svc.verification.verify import PRESETS
from trigger_svc.window import LARGEST_BODY, MOST_BYTES

EVERYTHING = CallRules(
    extra_media_types=("application/octet-stream",),
    assumed_media_type="application/octet-stream",
    lenient_encoding=True,
    accept_compressed=True,
)
REASONS = {
    "MEDIA_TYPE_MISSING", "MEDIA_TYPE_INVALID", "MEDIA_TYPE_UNSUPPORTED", "CHARSET_UNKNOWN", "ENCODING_INVALID",
    "CODING_UNSUPPORTED", "CODING_INVALID", "CALL_TOO_LARGE", "BODY_INVALID",
}  # fmt: skip


def _target(
    rules: CallRules = EVERYTHING, *, max_bytes: int = MOST_BYTES["standard"], data_mode: str = "string"
) -> Target:
    return Target(
        trigger_id=1,
        generation=1,
        version=1,
        max_bytes=max_bytes,
        data_mode=data_mode,
        rejects=False,
        agreement=Agreement(rules=rules),
    )


def _admitted(body: bytes, media_type: str, target: Target, **headers: bytes) -> Admitted:
    admitted = admit(Call(token="", media_type=media_type, body=body, headers=headers), target, 0.0)
    assert isinstance(admitted, Admitted)
    return admitted


def _back(admitted: Admitted, codec: str) -> bytes:
    """The body as whoever reads the payload makes it from the element."""
    read = json.loads(element(admitted.media_type, admitted.body))
    return base64.b64decode(read["data"]) if "encoding" in read else read["data"].encode(codec)


@given(text=st.text(max_size=50), charset=st.sampled_from(sorted(set(CHARSETS) - {"utf-16", "utf16"})))
def test_text_of_every_charset_comes_back_as_the_bytes_that_went_in(text: str, charset: str) -> None:
    body = text.encode(CHARSETS[charset], errors="ignore")
    admitted = _admitted(body, f"text/plain; charset={charset}", _target(CallRules()))
    assert _back(admitted, CHARSETS[charset]) == body


@given(body=st.binary(max_size=200), media_type=st.sampled_from(["", "application/octet-stream", "application/json"]))
def test_any_bytes_come_back_where_any_are_taken(body: bytes, media_type: str) -> None:
    assert _back(_admitted(body, media_type, _target()), "utf-8") == body


@pytest.mark.parametrize("size", [0, 1, 2, 1023, 65_536, LARGEST_BODY - 1, LARGEST_BODY])
@pytest.mark.parametrize("unit", [b"\x00", b'"', "😀".encode(), b"\xff"])
def test_every_size_to_the_limit_comes_back(size: int, unit: bytes) -> None:
    body = (unit * (size // len(unit) + 1))[: size - size % len(unit)]
    admitted = _admitted(body, "application/octet-stream", _target())
    assert _back(admitted, "utf-8") == body
    assert admitted.size == len(element(admitted.media_type, body)) + 1


def test_what_no_window_can_hold_is_refused() -> None:
    with pytest.raises(ResourceExhausted):
        _admitted(b"x" * (LARGEST_BODY + 1), "text/plain", _target())
    with pytest.raises(ResourceExhausted):  # each NUL is six bytes of a payload
        _admitted(bytes(1000), "text/plain", _target(max_bytes=MOST_BYTES["big_data"]))


@given(
    media_type=st.text(max_size=40)
    | st.from_regex(r"(?i)(text|application)/(xml|json|plain)( *; *[a-z]*=?\"?[\w/-]*\"?)*"),
    coding=st.binary(max_size=10),
    body=st.binary(max_size=60),
    data_mode=st.sampled_from(DATA_MODES),
    rules=st.sampled_from([CallRules(), EVERYTHING, CallRules(validate_body=True, assumed_media_type="text/xml")]),
)
def test_any_call_is_admitted_or_refused_for_a_reason(
    media_type: str, coding: bytes, body: bytes, data_mode: str, rules: CallRules
) -> None:
    target = _target(rules, data_mode=data_mode)
    headers = {"content-encoding": coding}
    refusal = ""
    admitted = None
    try:
        admitted = admit(Call(token="", media_type=media_type, body=body, headers=headers), target, 0.0)
    except DomainError as refused:
        refusal = refused.reason
    if isinstance(admitted, Admitted):
        assert admitted.size == len(element(admitted.media_type, admitted.body, data_mode)) + 1
    else:
        assert refusal in REASONS


def test_an_agreement_is_read_in_both_spellings_and_never_by_halves() -> None:
    for text in ('{"preset":"VERIFICATION_PRESET_BASIC","dedupeHeader":"X-Id"}', '{"preset":7,"dedupe_header":"X-Id"}'):
        terms = agreement.read(text, None, [b"a:b"]).terms
        assert (terms.preset, terms.dedupe_header, terms.secrets, terms.tolerance_seconds) == (
            "basic",
            "x-id",
            (b"a:b",),
            300,
        )
    for text in (
        "{",
        "[]",
        '{"preset":"VERIFICATION_PRESET_X"}',
        '{"preset":99}',
        '{"tolerence":"3s"}',
        '{"tolerance":3}',
    ):
        with pytest.raises(ValueError, match=r".+"):
            agreement.read(text, None, [])
    rules = agreement.read(None, '{"extra_media_types":["A/B"],"ratePerSecond":0.5}', []).rules
    assert (rules.extra_media_types, rules.rate_per_second) == (("a/b",), 0.5)


def test_every_preset_of_the_contract_has_its_room() -> None:
    names = {name.removeprefix("VERIFICATION_PRESET_").lower() for name in list(trigger_pb2.VerificationPreset.keys())}
    assert names - {"unspecified"} == set(PRESETS)
    assert len(get_args(Verdict)) == 3
    assert {"duplicate", "reply"} <= set(trigger_service_pb2.CallAccepted.DESCRIPTOR.fields_by_name)
