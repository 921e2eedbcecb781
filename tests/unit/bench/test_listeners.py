"""A platform's processes are found by the ports that they listen on."""

import os
import socket
from pathlib import Path

import pytest

from bench.listeners import listener_of

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux: /proc")


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_process_behind_a_listening_port_is_found(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as listening:
        try:
            listening.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        listening.listen()
        assert listener_of(listening.getsockname()[1]) == os.getpid()


def test_a_port_that_is_bound_but_not_listening_has_no_listener() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert listener_of(bound.getsockname()[1]) is None
