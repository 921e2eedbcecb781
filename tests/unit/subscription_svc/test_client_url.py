"""client_url of every odd shape: what passes is kept to the letter, and the sender can read it."""

import pytest

from delivery_svc.sending.endpoint import parse_endpoint
from subscription_svc.client_url import complaint

GOOD = [
    "https://example.com",
    "https://example.com/hook?a=1&b=%20#part",
    "HTTPS://Example.COM:8443/Hook",
    "http://localhost/nothing",
    "http://127.0.0.1:9/x",  # reachable or not is decided at delivery
    "http://[::1]:8080/x",
    "https://xn--bcher-kva.example/",
    "https://example.com/bücher/日本",
    "https://under_score.example.com./",
    "https://example.com:/x",
    "http://2130706433/",
    "https://example.com?only=query",
    "https://example.com/" + "a" * (2048 - 20),
]

BAD = {
    "": "is required: an http or https URL",
    "example.com/hook": "must begin with http:// or https://",
    "//example.com": "must begin with http:// or https://",
    "file:///etc/passwd": "must begin with http:// or https://",
    "ftp://example.com": "must begin with http:// or https://",
    "javascript:alert(1)": "must begin with http:// or https://",
    "https:/example.com": "must begin with http:// or https://",
    "https://user:password@example.com/": "must not hold a user name or password: Authorization carries the signature",
    "https://example.com\\@evil.example/": "must not hold a user name or password: Authorization carries the signature",
    "https://@example.com/": "must not hold a user name or password: Authorization carries the signature",
    "https://example.com/a b": "must not hold spaces or control characters",
    " https://example.com": "must not hold spaces or control characters",
    "https://example.com\r\nX-Evil: 1": "must not hold spaces or control characters",
    "https://example.com/\x00": "must not hold spaces or control characters",
    "https://example.com/" + "a" * 3000: "must have at most 2,048 characters",
    "https://example.com:0/": "must have a port from 1 to 65535, or none",
    "https://example.com:65536/": "must have a port from 1 to 65535, or none",
    "https://example.com:80x/": "must have a port from 1 to 65535, or none",
}

NO_HOST = [
    "https://",
    "https:///path",
    "https://:80/",
    "https://bücher.example/",
    "https://a..b/",
    "https://-a.example/",
    "https://exa%6dple.com/",
    "https://[::1/",
    "https://[::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[::zz]/",
    "https://::1/",
    f"https://{'a' * 64}.example/",
    f"https://{'a.' * 127}example/",
]


@pytest.mark.parametrize("url", GOOD)
def test_a_url_that_could_be_sent_to_passes_and_the_sender_reads_it(url: str) -> None:
    assert complaint(url) is None
    parse_endpoint(url)


@pytest.mark.parametrize(("url", "sentence"), BAD.items())
def test_a_url_that_cannot_be_is_told_why(url: str, sentence: str) -> None:
    assert complaint(url) == sentence


@pytest.mark.parametrize("url", NO_HOST)
def test_a_url_needs_a_host_that_could_exist(url: str) -> None:
    said = complaint(url)
    assert said is not None
    assert said.startswith("must have a valid host")
