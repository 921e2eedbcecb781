"""What is well-formed is told for any text, in time that grows with it alone, and the same each time."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_svc.well_formed import is_form, is_json, is_xml

MIB = 1024 * 1024


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        " [1, 2.5e+7, -0, true, null]\r\n",
        '"\\u0000\\ud800"',
        "\ufeff1",
        "9" * 100_000,
        '{"a":1,"a":2}',
        "[[]," * 150 + "1" + "]" * 150,
    ],
)
def test_json_is_json(text: str) -> None:
    assert is_json(text)


@pytest.mark.parametrize(
    "text",
    ["", "{", "{a:1}", "01", "1.", "+1", "NaN", "-Infinity", "'a'", '"\n"', '"\\x"', "[1,]", "1 2", "\ufeff\ufeff1"],
)
def test_what_is_no_json_is_none(text: str) -> None:
    assert not is_json(text)


def test_xml_is_well_formed_or_not_and_a_dtd_is_never_read() -> None:
    assert is_xml("<?xml version='1.0' encoding='latin1'?><a b='ä'>&#65;<!-- c --></a>")
    assert is_xml("\ufeff<a/>")
    laughs = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    for text in (
        "",
        "a",
        "<a>",
        "<a></b>",
        "<a b=1/>",
        "<a/><b/>",
        "<a>&b;</a>",
        "<a>\x00</a>",
        laughs,
        "<!DOCTYPE a><a/>",
    ):
        assert not is_xml(text), text


def test_form_data_has_its_digits() -> None:
    for text in ("", "a=1&b=%C3%A4+c", "%00", "ä"):
        assert is_form(text)
    for text in ("%", "a=%1", "%zz", "100%&a=1"):
        assert not is_form(text)


@given(text=st.text(alphabet='[]{}",:\\ntrue01 é', max_size=30))
def test_json_agrees_with_the_parser_of_the_language(text: str) -> None:
    try:
        json.loads(text)
        expected = True
    except ValueError:
        expected = False
    assert is_json(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '"' * MIB,
        '\\"' * (MIB // 2),
        '"\\' * (MIB // 2),
        "[" * MIB,
        "[]," * (MIB // 3),
        "[" + "{},[]," * (MIB // 6) + "1]",
        '["' + "\\u0041" * (MIB // 6) + '"]',
        "[" * 300 + "9" * MIB,
        "[" * 300 + '"' + "a\\" * (MIB // 2),
        "%41" * (MIB // 3),
        "%" * MIB,
        "<a>" * (MIB // 3),
        "<a " + "b" * MIB,
        "&" * MIB,
    ],
    ids=lambda text: text[:6] + "...",
)
def test_a_megabyte_of_malice_takes_no_second(text: str) -> None:
    started = time.process_time()
    is_json(text)
    is_form(text)
    is_xml(text)
    assert time.process_time() - started < 1.0
