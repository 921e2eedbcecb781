"""Opening a connection: resolve, ask the policy, connect, TLS.

Invariant: a connection goes to an address that the policy has seen, to that very address, and never to a name; the name
stays in Host and in TLS, where it is verified. What resolves differently a moment later changes nothing.

With a proxy, connections go to the proxy, and where it leads them is out of our hands: it resolves the names, so the
vetting of their addresses is the proxy's. The policy still sees the addresses that are spelled out in a URL. TLS is
spoken with the endpoint itself, through the proxy, and verified as ever.
"""

import asyncio
import errno
import os
import socket
import ssl
import time
from collections.abc import Callable, Sequence

from delivery_svc.sending.address import Address, AddressPolicy, literal_address
from delivery_svc.sending.client_certificate import ClientCertificate, ClientCertificateError, ClientContexts
from delivery_svc.sending.connection import Connection, Post
from delivery_svc.sending.endpoint import Endpoint
from delivery_svc.sending.exchange import ErrorClass
from delivery_svc.sending.phase import Dial, DialError
from delivery_svc.sending.proxy import Proxy, open_tunnel
from delivery_svc.sending.resolver import ResolutionError, Resolver
from delivery_svc.sending.tls import tls_context, tls_detail

# Errors of a connect that say something about this process and nothing about the endpoint.
_OUR_OWN = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


class Dialer:
    """Opens connections. `patience_seconds` is how long an address may stay silent before the next one is tried; `fresh_tls`
    makes contexts like `tls`, to which client certificates are added."""

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        resolver: Resolver,
        tls: ssl.SSLContext,
        patience_seconds: float,
        proxy: Proxy | None = None,
        fresh_tls: Callable[[], ssl.SSLContext] = tls_context,
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._tls = tls
        self._patience_seconds = patience_seconds
        self._proxy = proxy
        self._client_contexts = ClientContexts(fresh_tls)

    async def dial(self, post: Post, connection: Callable[[], Connection]) -> None:
        """Open a connection for this post; it begins to carry the post by itself. DialError if there is none."""
        endpoint = post.endpoint
        dial = post.dial = Dial(time.monotonic())
        tls = self._tls if endpoint.client is None else await self._showing(endpoint.client, dial)
        if self._proxy is None:
            addresses = await self._allowed_addresses(endpoint.host)
            dial.turn_to("connect", time.monotonic())
            sock = await self._connect_to_one(addresses, endpoint.port)
        else:
            sock = await self._connect_by_proxy(self._proxy, endpoint, dial)
        loop = asyncio.get_running_loop()
        if not endpoint.tls:
            await loop.create_connection(connection, sock=sock)
            return
        dial.turn_to("tls", time.monotonic())
        literal = literal_address(endpoint.host)
        name = str(literal) if literal is not None else endpoint.host.removesuffix(".")
        try:
            await loop.create_connection(connection, sock=sock, ssl=tls, server_hostname=name)
        except (OSError, ValueError) as failure:
            raise DialError(ErrorClass.TLS, tls_detail(failure)) from None

    async def _showing(self, client: ClientCertificate, dial: Dial) -> ssl.SSLContext:
        """The context that shows this certificate; asked for first, so that nobody is called in vain."""
        try:
            return await self._client_contexts.of(client)
        except ClientCertificateError as fault:
            dial.phase = "tls"
            raise DialError(ErrorClass.TLS, str(fault)) from None
        except OSError:
            raise DialError(ErrorClass.INTERNAL, "The sender could not open a connection.") from None

    async def _allowed_addresses(self, host: str) -> list[Address]:
        addresses = await self._resolve(host)
        refusals = [self._policy.refusal(address) for address in addresses]
        allowed = [address for address, refusal in zip(addresses, refusals, strict=True) if refusal is None]
        if not allowed:
            raise DialError(ErrorClass.ADDRESS_DENIED, f"The host's address is not allowed ({refusals[0]}).")
        return allowed

    async def _resolve(self, host: str) -> tuple[Address, ...]:
        try:
            addresses = await self._resolver.resolve(host)
        except ResolutionError as failure:
            raise DialError(ErrorClass.DNS, str(failure)) from None
        if not addresses:
            raise DialError(ErrorClass.DNS, "The host name has no address.")
        return addresses

    async def _connect_by_proxy(self, proxy: Proxy, endpoint: Endpoint, dial: Dial) -> socket.socket:
        if _is_number(endpoint.host):
            await self._allowed_addresses(endpoint.host)
        try:
            addresses = await self._resolve(proxy.host)
            dial.turn_to("connect", time.monotonic())
            sock = await self._connect_to_one(addresses, proxy.port)
        except DialError:
            raise DialError(ErrorClass.INTERNAL, "The proxy could not be reached.") from None
        if endpoint.tls:
            await open_tunnel(sock, endpoint)
        return sock

    async def _connect_to_one(self, addresses: Sequence[Address], port: int) -> socket.socket:
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(self._patience_seconds):
                    return await _connect(address, port)
            except OSError:  # a TimeoutError is one, too
                continue
        try:
            return await _connect(addresses[-1], port)
        except OSError as failure:
            raise _connect_error(failure) from None


def _is_number(host: str) -> bool:
    """Whether a host spells an address out, or tries to."""
    try:
        return literal_address(host) is not None
    except ValueError:
        return True


async def _connect(address: Address, port: int) -> socket.socket:
    """Connect by hand: the loop's own sock_connect asks for names again, and uvloop does so in a thread."""
    sock = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        code = sock.connect_ex((str(address), port))
        if code == errno.EINPROGRESS:
            await _until_writable(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


async def _until_writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    writable: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        loop.remove_writer(sock)
        writable.set_result(None)

    loop.add_writer(sock, settle)
    try:
        await writable
    finally:
        loop.remove_writer(sock)


def _connect_error(failure: OSError) -> DialError:
    if failure.errno in _OUR_OWN:
        return DialError(ErrorClass.INTERNAL, "The sender could not open a connection.")
    if failure.errno == errno.ECONNREFUSED:
        return DialError(ErrorClass.CONNECT, "The endpoint refused the connection.")
    return DialError(ErrorClass.CONNECT, "The endpoint could not be reached.")
