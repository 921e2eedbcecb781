"""A call as the command sees it: one element of the JSON array in `resource_webhook_payload`.

Deterministic to the byte, so that a payload that is read again is the same: `{"data":...,"type":...}` in this order,
compact, UTF-8, non-ASCII unescaped. `data` is the body's text as a JSON string, `type` the Content-Type to the letter.
"""

import json

from trigger_svc.media_type import text_of

_string = json.JSONEncoder(ensure_ascii=False).encode


def element(media_type: str, body: bytes) -> bytes:
    """The element of a call; InvalidInput as of `text_of`.

    >>> element("text/plain", 'say "hé"'.encode()).decode()
    '{"data":"say \\\\"hé\\\\"","type":"text/plain"}'
    """
    return f'{{"data":{_string(text_of(media_type, body))},"type":{_string(media_type)}}}'.encode()


def element_size(media_type: str, body: bytes) -> int:
    """What a call adds to its window's payload in bytes: its element and the comma or bracket after it."""
    return len(element(media_type, body)) + 1
