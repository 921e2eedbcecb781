"""client_url of every odd shape over the real services: refused with a reason and nothing stored, or kept to the letter."""

from collections.abc import AsyncIterator

import pytest

from tests.support.envelope import changed, listed, made, refused
from tests.support.gateway import Gateway, gateway
from tests.support.postgres import Database
from tests.support.subscription import TOKEN, subscription_service


@pytest.fixture
async def call(database: Database) -> AsyncIterator[Gateway]:
    async with (
        subscription_service(database) as service,
        gateway(token=TOKEN, subscription_svc=service.target) as running,
    ):
        yield running


HOST = "must have a valid host: a name (international ones in their xn-- form) or an address (IPv6 in brackets)"
SCHEME = "must begin with http:// or https://"
BLANKS = "must not hold spaces or control characters"
PORT = "must have a port from 1 to 65535, or none"
USER = "must not hold a user name or password: Authorization carries the signature"
BAD_URLS: list[tuple[str, str]] = [
    ("", "is required: an http or https URL"),
    ("test.com", SCHEME),
    ("//test.com", SCHEME),
    ("/hook", SCHEME),
    ("http:test.com", SCHEME),
    ("http:/test.com", SCHEME),
    ("file:///etc/passwd", SCHEME),
    ("ftp://test.com", SCHEME),
    ("javascript:alert(1)", SCHEME),
    ("gopher://127.0.0.1:25/_", SCHEME),
    ("unix:///run/x.sock", SCHEME),
    ("https://", HOST),
    ("https:///hook", HOST),
    ("https://:443/", HOST),
    ("https://?q", HOST),
    ("https://#f", HOST),
    ("https://.", HOST),
    ("https://a..b", HOST),
    ("https://-a.com", HOST),
    ("https://a b.com", BLANKS),
    (" https://test.com", BLANKS),
    ("https://test.com ", BLANKS),
    ("https://test.com/a\r\nX-Injected: 1", BLANKS),
    ("https://test.com/\x00", BLANKS),
    ("https://test.com/\x7f", BLANKS),
    ("https://test.com/\u00a0", BLANKS),
    ("https://test.com/\u2028", BLANKS),
    ("https://user@test.com", USER),
    ("https://user:password@test.com", USER),
    ("https://test.com@evil.com", USER),
    ("https://@test.com", USER),
    ("https://bücher.example/", HOST),
    ("https://例え.テスト/", HOST),
    ("https://test%2ecom/", HOST),
    ("https://test.com\\@evil.com", USER),
    ("https://test.com\\evil.com", HOST),
    ("https://::1/", HOST),
    ("https://[::1", HOST),
    ("https://[::1]x/", HOST),
    ("https://[fe80::1%25eth0]/", HOST),
    ("https://[fe80::1%eth0]/", HOST),
    ("https://[127.0.0.1]/", HOST),
    ("https://[v1.x]/", HOST),
    ("https://[]/", HOST),
    ("https://test.com:0/", PORT),
    ("https://test.com:65536/", PORT),
    ("https://test.com:-1/", PORT),
    ("https://test.com:http/", PORT),
    ("https://test.com:٣/", PORT),
    ("https://test.com:99999999999/", PORT),
    ("https://test.com:1:2/", PORT),
    ("https://" + "a" * 64 + ".com", HOST),
    ("https://" + "a." * 127 + "ab", HOST),
    ("https://test.com/" + "x" * 2032, "must have at most 2,048 characters"),
    ("https://test.com/" + "x" * 3000, "must have at most 2,048 characters"),
]
GOOD_URLS = [
    "http://localhost/nothing",
    "HTTPS://TEST.COM",
    "https://test.com:443",
    "https://test.com:",
    "https://test.com:1/",
    "https://test.com:65535/",
    "https://xn--bcher-kva.example/",
    "https://test.com./",
    "https://my_host/",
    "https://127.0.0.1/",
    "http://2130706433/",
    "https://[::1]/",
    "https://[2001:DB8::0:1]:8443/x",
    "https://[::ffff:127.0.0.1]/",
    "https://test.com#fragment",
    "https://test.com?q=a b".replace(" ", "%20"),
    "https://test.com/a/../b//c;d?e=f&g[]=h#i",
    "https://test.com/ü/€?ü=€",
    "https://test.com/%zz",
    "https://test.com/" + "x" * 2031,
]


async def test_a_url_that_nothing_could_be_sent_to_is_refused(call: Gateway) -> None:
    await made(call)
    for url, sentence in BAD_URLS:
        assert (url[:60], await refused(call, changed(client_url=url))) == (url[:60], {"client_url": sentence})


async def test_every_other_url_is_kept_to_the_letter(call: Gateway) -> None:
    for url in GOOD_URLS:
        assert (await made(call, client_url=url))["client_url"] == url
    assert [one["client_url"] for one in await listed(call)] == GOOD_URLS
