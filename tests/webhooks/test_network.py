"""Which network addresses are connected to, and that it is the one that was checked."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from openrouter_toolkit.store import Store
from openrouter_toolkit.webhooks import Deliverer, network
from openrouter_toolkit.webhooks.network import AddressRefused, is_public, look_up

from .conftest import Receiver, add, happen


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "2002:5db8:d822::1"])
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "::",
        "::1",
        "::127.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2001:db8::1",
        "no address",
    ],
)
def test_not_public(address: str) -> None:
    assert not is_public(address)


def resolver(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let names have these addresses, one answer after another; the names that were looked up."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        if not found:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(network, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_that_leads_to_a_private_address_too_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch, ["93.184.216.34", "10.0.0.7"])
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.7, which is not on the public internet"):
        look_up("rebinding.example", 443, private=False)
    assert look_up("rebinding.example", 443, private=True) == ["93.184.216.34", "10.0.0.7"]


@pytest.mark.parametrize("answer", [[], ["93.184.216.34"] * 9])
def test_what_a_name_gives(monkeypatch: pytest.MonkeyPatch, answer: list[str]) -> None:
    resolver(monkeypatch, answer)
    if answer:
        assert look_up("one.example", 443, private=False) == ["93.184.216.34"]
    else:
        with pytest.raises(AddressRefused, match=r"one\.example is not known"):
            look_up("one.example", 443, private=False)


def test_the_address_that_was_checked_is_connected_to_whatever_the_name_leads_to_next(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = receiver.address.rpartition(":")[2]
    webhook_id, _ = add(store, f"http://rebinding.example:{port}/hook")
    asked = resolver(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    usual, by_others = socket.getaddrinfo, []

    def watched(host: Any, *rest: Any, **more: Any) -> Any:
        by_others.append(host)
        return usual(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    done = Deliverer(store, private=True).test(webhook_id)
    assert done.state == "delivered"
    assert asked == ["rebinding.example"], "it is looked up once"
    assert by_others == ["127.0.0.1"]
    assert receiver.got[0][1]["host"] == f"rebinding.example:{port}"


def test_the_next_address_is_tried_if_the_first_can_not_be_connected_to(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = receiver.address.rpartition(":")[2]
    webhook_id, _ = add(store, f"http://two.example:{port}/hook")
    resolver(monkeypatch, ["127.0.0.3", "127.0.0.1"])
    assert Deliverer(store, private=True).test(webhook_id).state == "delivered"


@pytest.mark.parametrize("name", ["127.0.0.1", "inside.example"])
def test_without_the_option_nothing_is_sent_inside(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    port = receiver.address.rpartition(":")[2]
    webhook_id, _ = add(store, f"https://{name}:{port}/hook")
    if name != "127.0.0.1":
        resolver(monkeypatch, ["127.0.0.1"])
    happen(store)
    done = Deliverer(store, private=False).test(webhook_id)
    assert done.state == "failed"
    assert "--private-webhooks" in (done.error or "")
    insecure, _ = add(store, f"{receiver.address}/hook")
    assert "not https" in (Deliverer(store, private=False).test(insecure).error or "")
    assert receiver.got == []
