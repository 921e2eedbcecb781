"""A call as the command sees it: one element of the JSON array in `resource_webhook_payload`.

Deterministic to the byte, so that a payload that is read again is the same: `{"data":...,"type":...}` in this order, compact,
UTF-8, non-ASCII unescaped. `type` is the Content-Type to the letter, `data` the body in the form that its trigger had:

    string      its text as a JSON string
    object      the body of a JSON call as JSON, verbatim; any other, and JSON that is none, as a string
    talend_raw  its text between quotes, with nothing escaped: so the source does it, and an array of such is seldom valid JSON

A body that is no text in its charset was taken by a trigger that allows it: `data` is base64 then, and `"encoding":"base64"`
comes after `type`.
"""

import base64
import json

from chassis.errors import InvalidInput
from trigger_svc.media_type import parse, text_of
from trigger_svc.well_formed import is_json

STRING, OBJECT, TALEND_RAW = "string", "object", "talend_raw"
DATA_MODES = (STRING, OBJECT, TALEND_RAW)
_string = json.JSONEncoder(ensure_ascii=False).encode


def element(media_type: str, body: bytes, data_mode: str = STRING) -> bytes:
    """The element of a call that was taken.

    >>> element("text/plain", 'say "hé"'.encode()).decode()
    '{"data":"say \\\\"hé\\\\"","type":"text/plain"}'
    """
    try:
        text = text_of(media_type, body)
    except InvalidInput:
        return element_of_bytes(media_type, body)
    return element_of_text(media_type, text, data_mode)


def element_of_text(media_type: str, text: str, data_mode: str = STRING) -> bytes:
    """The element of a call whose body says this."""
    return f'{{"data":{_data(media_type, text, data_mode)},"type":{_string(media_type)}}}'.encode()


def element_of_bytes(media_type: str, body: bytes) -> bytes:
    """The element of a call whose body is no text."""
    return f'{{"data":"{base64.b64encode(body).decode()}","type":{_string(media_type)},"encoding":"base64"}}'.encode()


def added_bytes(one: bytes) -> int:
    """What an element adds to its window's payload in bytes: itself and the comma or bracket after it."""
    return len(one) + 1


def element_size(media_type: str, body: bytes, data_mode: str = STRING) -> int:
    """What a call that was taken adds to its window's payload in bytes."""
    return added_bytes(element(media_type, body, data_mode))


def _data(media_type: str, text: str, data_mode: str) -> str:
    if data_mode == TALEND_RAW:
        return f'"{text}"'
    if data_mode == OBJECT and media_type and parse(media_type).is_json and is_json(text):
        return text.removeprefix("\ufeff")
    return _string(text)
