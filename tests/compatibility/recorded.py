"""How public clients speak: the head of every kind of request that each of them sends, line by line as it was on the wire.

Invariant: nothing here is tidied up, since what is odd about it is the point: a Content-Type without a body, a DELETE
with and without a length, a scheme of either name. Recorded with the clients themselves, as tests/compatibility runs
them (dbtc, dbt-cloud-cli, Airflow). Where no registry has the client, its HTTP library was recorded with the headers
that the client's public source sets (terraform-provider-dbtcloud and dbtcloud-terraforming: Go 1.26; Slates and
Pipedream: axios 1.21.1).
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Voice:
    """A client's manner: `bare` heads GET, `full` POST and PUT, `delete` DELETE (as GET unless said otherwise)."""

    bare: str
    full: str
    delete: str = ""

    def request(self, method: str, path: str, body: bytes = b"", *, host: str, token: str) -> bytes:
        """The bytes of one request."""
        lines = {"GET": self.bare, "DELETE": self.delete or self.bare}.get(method, self.full)
        head = lines.format(host=host, token=token, length=len(body))
        return "\r\n".join([f"{method} {path} HTTP/1.1", *head.splitlines(), "", ""]).encode() + body


_SESSION = "Host: {host}\nAccept-Encoding: identity\nUser-Agent: python-urllib3/2.8.0\n"
DBTC_OLD = Voice(
    bare=_SESSION + "Authorization: Token {token}\nContent-Type: application/json",
    full=_SESSION + "Authorization: Token {token}\nContent-Type: application/json\nContent-Length: {length}",
    delete=_SESSION + "Authorization: Token {token}\nContent-Type: application/json\nContent-Length: 0",
)
DBTC = Voice(
    bare=_SESSION + "Authorization: Bearer {token}\nContent-Type: application/json",
    full=_SESSION + "Authorization: Bearer {token}\nContent-Type: application/json\nContent-Length: {length}",
    delete=_SESSION + "Authorization: Bearer {token}\nContent-Type: application/json\nContent-Length: 0",
)

_REQUESTS = "Accept-Encoding: gzip, deflate\nAccept: */*\nConnection: keep-alive\n"
DBT_CLOUD_CLI = Voice(
    bare="Host: {host}\nUser-Agent: python-requests/2.34.2\n" + _REQUESTS + "Authorization: Token {token}", full=""
)
AIRFLOW = Voice(
    bare="Host: {host}\nUser-Agent: apache-airflow-providers-dbt-cloud-v4.11.1\n"
    + _REQUESTS
    + "Content-Type: application/json\nAuthorization: Token {token}",
    full="",
)

_GO = "Accept: application/json\nAuthorization: Token {token}\nContent-Type: application/json\nAccept-Encoding: gzip"
TERRAFORM = Voice(
    bare="Host: {host}\nUser-Agent: terraform-provider-dbtcloud/1.8.0\n" + _GO,
    full="Host: {host}\nUser-Agent: terraform-provider-dbtcloud/1.8.0\nContent-Length: {length}\n" + _GO,
)
TERRAFORMING = Voice(
    bare="Host: {host}\nUser-Agent: dbtcloud-terraforming/dev\nAuthorization: Bearer {token}\nAccept-Encoding: gzip",
    full="",
)

_AXIOS = "Accept: application/json, text/plain, */*\n"
_AXIOS_END = "Accept-Encoding: gzip, compress, deflate, br\nHost: {host}\nConnection: keep-alive"
_SLATES = _AXIOS + "Content-Type: application/json\nAuthorization: Bearer {token}\nUser-Agent: axios/1.21.1\n"
SLATES = Voice(bare=_SLATES + _AXIOS_END, full=_SLATES + "Content-Length: {length}\n" + _AXIOS_END)
PIPEDREAM = Voice(
    bare=_AXIOS + "Authorization: Token {token}\nUser-Agent: axios/1.21.1\n" + _AXIOS_END,
    full=_AXIOS
    + "Content-Type: application/json\nAuthorization: Token {token}\nUser-Agent: axios/1.21.1\n"
    + "Content-Length: {length}\n"
    + _AXIOS_END,
)
