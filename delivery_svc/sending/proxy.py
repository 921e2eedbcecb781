"""Deliveries by way of an HTTP proxy: what the proxy is asked, and how its answer is taken.

Invariant: an address that a URL spells out is named to the proxy in its one plain form, the one that the policy saw; a
proxy that reads "010.1" in another way than we do is never asked to. Which addresses a name leads to, the proxy decides
alone: with a proxy, keeping deliveries out of the inside is the proxy's task.
"""

import asyncio
import socket
from dataclasses import dataclass

from delivery_svc.sending.address import literal_address
from delivery_svc.sending.answer import Answer, AnswerError
from delivery_svc.sending.endpoint import Endpoint, parse_endpoint
from delivery_svc.sending.exchange import ErrorClass
from delivery_svc.sending.phase import DialError

_ANSWER_LIMIT = 16_384


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy listens, in plain HTTP."""

    host: str
    port: int


def parse_proxy(url: str) -> Proxy:
    """Read http://host:port. ValueError, with a sentence for people, when it is anything else."""
    endpoint = parse_endpoint(url)
    if endpoint.tls or endpoint.target != "/" or not url.rstrip("/").endswith(f":{endpoint.port}"):
        raise ValueError("A proxy is http://host:port, without a path.")
    return Proxy(endpoint.host, endpoint.port)


def absolute_opening(endpoint: Endpoint) -> bytes:
    """The opening of a request to a plain endpoint: its request line names the whole URL."""
    return b"POST http://" + _authority(endpoint).encode("ascii") + endpoint.opening.removeprefix(b"POST ")


async def open_tunnel(sock: socket.socket, endpoint: Endpoint) -> None:
    """Have the proxy at the other end lead this socket to the endpoint. DialError when it will not; then it is closed."""
    try:
        await _connect_through(sock, _authority(endpoint))
    except (AnswerError, OSError):
        sock.close()
        raise DialError(ErrorClass.INTERNAL, "The proxy gave no valid answer.") from None
    except BaseException:
        sock.close()
        raise


async def _connect_through(sock: socket.socket, authority: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode("ascii"))
    answer = Answer(_ANSWER_LIMIT)
    while not answer.status_code:
        data = await loop.sock_recv(sock, 4096)
        if not data:
            raise AnswerError("The proxy closed the connection.")
        answer.feed(data)
    if answer.status_code == 407:
        raise DialError(ErrorClass.INTERNAL, "The proxy wants credentials.")
    if not 200 <= answer.status_code < 300:
        raise DialError(ErrorClass.CONNECT, f"The proxy could not reach the endpoint (status {answer.status_code}).")
    if answer.excerpt:
        # The endpoint speaks second in TLS, so this is the proxy's: it would be taken for the endpoint's.
        raise AnswerError("The proxy sent more than its answer.")


def _authority(endpoint: Endpoint) -> str:
    try:
        literal = literal_address(endpoint.host)
    except ValueError:
        literal = None  # never dialed: the resolver refuses it
    host = endpoint.host if literal is None else str(literal)
    return f"[{host}]:{endpoint.port}" if ":" in host else f"{host}:{endpoint.port}"
