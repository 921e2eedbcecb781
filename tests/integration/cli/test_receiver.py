"""The receiver behind `runhook listen`, on a real socket."""

import socket
from collections.abc import Callable, Iterator
from email.message import Message

import pytest

from cli.receiver import LOOPBACK, MOST_BODY_BYTES, Receiver


class Taken(list[bytes]):
    """Bodies that were taken and answered."""

    def __call__(self, headers: Message, body: bytes) -> Callable[[], None]:
        return lambda: self.append(body)


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def receiver(taken: Taken) -> Iterator[Receiver]:
    receiver = Receiver(0, 204, taken)
    yield receiver
    receiver.close()


def exchange(receiver: Receiver, request: bytes) -> bytes:
    """Send, send no more, read to the end."""
    port = int(receiver.url.rsplit(":", 1)[1].rstrip("/"))
    with socket.create_connection((LOOPBACK, port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_posts_of_one_connection_are_each_taken_and_answered(receiver: Receiver, taken: Taken) -> None:
    answers = exchange(receiver, b"POST /any HTTP/1.1\r\nContent-Length: 3\r\n\r\none" * 2)
    assert answers.count(b"HTTP/1.1 204 ") == 2
    assert taken == [b"one", b"one"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n" % (MOST_BODY_BYTES + 1), b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5_000 + b"\r\n", b"413"),
        (b"GET / HTTP/1.1\r\n", b"501"),
        (b"\x00\x01\x02\r\n", b"400"),
        (b"POST / HTTP/1.1\r\n" + b"A: b\r\n" * 200, b"431"),
    ],
)
def test_what_is_no_delivery_is_refused(receiver: Receiver, taken: Taken, head: bytes, status: bytes) -> None:
    assert status in exchange(receiver, head + b"\r\n").split(b"\r\n")[0] + b" "
    assert taken == []


def test_half_a_body_is_no_delivery(receiver: Receiver, taken: Taken, capfd: pytest.CaptureFixture[str]) -> None:
    assert exchange(receiver, b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf") == b""
    assert taken == []
    assert capfd.readouterr().err == ""


def test_a_port_that_is_taken_is_refused(receiver: Receiver, taken: Taken) -> None:
    port = int(receiver.url.rsplit(":", 1)[1].rstrip("/"))
    with pytest.raises(OSError, match="in use"):
        Receiver(port, 200, taken)
