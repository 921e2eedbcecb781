"""How a receiver checks that a delivery is genuine, as its page shows it. docs/receiving.md has whole receivers."""

PYTHON = """\
import hashlib
import hmac
import os


def is_genuine(body: bytes, authorization: str) -> bool:
    \"\"\"`body` as it came, before any parsing; `authorization` is the header.\"\"\"
    secret = os.environ["SIGNING_SECRET"].encode()
    expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), authorization.encode())
"""

NODE = """\
import { createHmac, timingSafeEqual } from "node:crypto";

// body: a Buffer as it came, before any parsing; authorization: the header
export function isGenuine(body, authorization) {
  const expected = Buffer.from(createHmac("sha256", process.env.SIGNING_SECRET).update(body).digest("hex"));
  const shown = Buffer.from(authorization);
  return shown.length === expected.length && timingSafeEqual(shown, expected);
}
"""
