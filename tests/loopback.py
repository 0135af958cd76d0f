"""Tests that reach nobody but loopback: whoever else is wanted is refused, and remembered."""

from __future__ import annotations

import socket
from typing import Any

import pytest

HERE = ("127.0.0.1", b"127.0.0.1", "::1", "localhost", None)


def stay_on_loopback(patch: pytest.MonkeyPatch) -> list[Any]:
    """Refuse all other addresses and names from now on; the list of those that were wanted."""
    strangers: list[Any] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in HERE:
            strangers.append(address)
            raise ConnectionRefusedError(f"a test must not reach {address}")
        connect(self, address)

    def look_up_here(host: Any, *more: Any, **named: Any) -> Any:
        if host not in HERE:
            strangers.append(host)
            raise socket.gaierror(f"a test must not look up {host}")
        return look_up(host, *more, **named)

    patch.setattr(socket.socket, "connect", connect_here)
    patch.setattr(socket, "getaddrinfo", look_up_here)
    return strangers
