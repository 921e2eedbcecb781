"""A small name server for tests: one name, whose addresses a test changes as a headless Service's change."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dnslib import QTYPE, RR, A  # type: ignore[import-untyped]
from dnslib.server import BaseResolver, DNSLogger, DNSServer  # type: ignore[import-untyped]


class NameServer(BaseResolver):  # type: ignore[misc]  # dnslib has no types
    """Answers every question for an IPv4 address with `addresses`, and counts them."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0
        self.port = 0

    def resolve(self, request: Any, handler: Any) -> Any:
        """What dnslib calls, in a thread of its own."""
        reply = request.reply()
        if request.q.qtype == QTYPE.A:
            self.asked += 1
            for address in self.addresses:
                reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(address), ttl=0))
        return reply

    def target(self, name: str, port: int) -> str:
        """A gRPC target that is resolved here; every address is dialled at `port`."""
        return f"dns://127.0.0.1:{self.port}/{name}:{port}"


@contextmanager
def name_server(*addresses: str) -> Iterator[NameServer]:
    """Serves for as long as the block lasts."""
    answering = NameServer(*addresses)
    server = DNSServer(answering, address="127.0.0.1", port=0, logger=DNSLogger("-request,-reply,-truncated"))
    answering.port = server.server.server_address[1]
    server.start_thread()
    try:
        yield answering
    finally:
        server.stop()
        server.thread.join()
        server.server.server_close()
