"""Which bodies are taken, and what text they are.

A call's Content-Type is one of five or one that its trigger takes besides, compared without case and parameters; only its
charset matters beyond that. The text is found by strict rules, so that what was taken can always be read again:

    application/json, ...+json                   UTF-8, whatever charset is said (RFC 8259)
    application/xml, text/xml, ...+xml           charset, else byte order mark, else XML declaration, else UTF-8
    text/plain, ...x-www-form-urlencoded, other  charset, else UTF-8
    no Content-Type                              an empty body only
"""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from functools import lru_cache

from chassis.errors import BadField, InvalidInput
from trigger_svc.call_rules import CallRules

JSON = "application/json"
XML = ("application/xml", "text/xml")
FORM = "application/x-www-form-urlencoded"
SUPPORTED = (JSON, *XML, "text/plain", FORM)
LONGEST = 1_000  # characters of the header

#: What a charset may be called, and how Python reads it. UTF-16 without a byte order mark is big-endian (RFC 2781).
CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "iso8859-1": "latin-1",
    "iso_8859-1": "latin-1",
    "latin1": "latin-1",
    "latin-1": "latin-1",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "utf-16": "utf-16",
    "utf16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TYPE = re.compile(rf"[ \t]*({_TOKEN}/{_TOKEN})[ \t]*(?:;|$)")
_PARAMETER = re.compile(rf'[ \t]*(?:({_TOKEN})[ \t]*=[ \t]*({_TOKEN}|"(?:[^"\\]|\\.)*"))?[ \t]*(?:;|$)')
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DECLARED = re.compile(rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A parsed Content-Type: `essence` is lower case type/subtype, `charset` the codec that was asked for, if any."""

    essence: str
    charset: str | None

    @property
    def is_json(self) -> bool:
        """JSON, by whatever name."""
        return self.essence == JSON or self.essence.endswith("+json")

    @property
    def is_xml(self) -> bool:
        """XML, by whatever name."""
        return self.essence in XML or self.essence.endswith("+xml")


@lru_cache(maxsize=1024)
def parse(header: str) -> MediaType:
    """Reads a Content-Type header, of whatever type. InvalidInput (MEDIA_TYPE_INVALID, CHARSET_UNKNOWN)."""
    essence = essence_of(header)
    charsets = {name.lower() for name in _charsets(header)}
    if len(charsets) > 1:
        raise _refusal("MEDIA_TYPE_INVALID", "names two charsets: send one")
    if not charsets or MediaType(essence, None).is_json:
        return MediaType(essence, None)
    codec = CHARSETS.get(charsets.pop())
    if codec is None:
        raise _refusal("CHARSET_UNKNOWN", "names a charset that is not taken here: send UTF-8")
    return MediaType(essence, codec)


def admit(header: str, body: bytes, rules: CallRules) -> str:
    """The media type that a body is taken under. InvalidInput as of `parse`, MEDIA_TYPE_MISSING, MEDIA_TYPE_UNSUPPORTED."""
    if not header and body:
        if not rules.assumed_media_type:
            raise _refusal("MEDIA_TYPE_MISSING", "a body needs one: send a Content-Type, such as application/json")
        header = rules.assumed_media_type
    if header:
        essence = essence_of(header)
        if essence not in SUPPORTED and (essence not in rules.extra_media_types or essence.startswith("multipart/")):
            taken = ", ".join((*SUPPORTED, *rules.extra_media_types))
            raise _refusal("MEDIA_TYPE_UNSUPPORTED", f"is not taken here: send one of {taken}")
        parse(header)
    return header


@lru_cache(maxsize=1024)
def essence_of(header: str) -> str:
    """Type and subtype in lower case. InvalidInput (MEDIA_TYPE_INVALID)."""
    found = _TYPE.match(header)
    if found is None or len(header) > LONGEST or _CONTROL.search(header):
        raise _refusal("MEDIA_TYPE_INVALID", "is not one media type: send a single one, such as application/json")
    return found[1].lower()


def text_of(header: str, body: bytes) -> str:
    """The text of a body under the Content-Type that it was admitted with. InvalidInput as of `parse`, ENCODING_INVALID."""
    if not header:
        return ""
    media_type = parse(header)
    codec = media_type.charset
    if codec is None:
        codec = _xml_codec(body) if media_type.is_xml else "utf-8"
    if codec == "utf-16" and not body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        codec = "utf-16-be"
    try:
        return body.decode(codec)
    except UnicodeDecodeError:
        bad = BadField("body", f"is not {codec}: send bytes of the declared charset (UTF-8 where none is declared)")
        raise InvalidInput([bad], reason="ENCODING_INVALID") from None


def _charsets(header: str) -> list[str]:
    """The values of all charset parameters. InvalidInput when what follows the type is no list of parameters."""
    values = []
    position = header.find(";") + 1 or len(header)
    while position < len(header):
        found = _PARAMETER.match(header, position)
        if found is None:
            raise _refusal("MEDIA_TYPE_INVALID", "is not one media type: send a single one, such as application/json")
        if found[1] and found[1].lower() == "charset":
            values.append(re.sub(r"\\(.)", r"\1", found[2][1:-1]) if found[2].startswith('"') else found[2])
        position = found.end()
    return values


def _xml_codec(body: bytes) -> str:
    """What an XML entity says of itself; nothing of it is parsed but the declaration's encoding."""
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "utf-16"
    if body.startswith(b"<\x00?\x00"):
        return "utf-16-le"
    if body.startswith(b"\x00<\x00?"):
        return "utf-16-be"
    declared = _DECLARED.match(body.removeprefix(BOM_UTF8), 0, 512)
    if declared is None or body.startswith(BOM_UTF8):
        return "utf-8"
    name = declared[1].decode("ascii").lower()
    # A declaration that can be read as ASCII is not UTF-16, whatever it says (XML 1.0, appendix F).
    codec = "utf-8" if name.startswith("utf-16") else CHARSETS.get(name)
    if codec is None:
        raise _refusal("CHARSET_UNKNOWN", "the XML declaration names an encoding that is not taken here: send UTF-8")
    return codec


def _refusal(reason: str, sentence: str) -> InvalidInput:
    return InvalidInput([BadField("media_type", sentence)], reason=reason)
