"""Actions that are off, toolkits that are active, and return addresses."""

from __future__ import annotations

import pytest

from openrouter_toolkit.store import Store

from .conftest import OpenStore


def test_actions_are_switched_off_and_on(open_store: OpenStore) -> None:
    here, there = open_store(), open_store()
    here.switches.turn_on("openrouter", "openrouter_create_coinbase_charge")
    here.switches.turn_off("openrouter", "openrouter_create_message")
    first = there.switches.off("OPENROUTER")
    assert list(first) == ["OPENROUTER_CREATE_MESSAGE"]
    there.switches.turn_off("OPENROUTER", "OPENROUTER_CREATE_MESSAGE")
    assert here.switches.off("OpenRouter") == first, "it is off since the first time"
    assert here.switches.off("ECHO") == {}
    there.switches.turn_on("openrouter", "openrouter_create_message")
    there.switches.turn_on("openrouter", "openrouter_create_message")
    assert here.switches.off("OPENROUTER") == {}
    with pytest.raises(ValueError, match="slug"):
        here.switches.turn_off("OPENROUTER", "a\0")


def test_in_a_new_store_withdrawn_actions_are_off(open_store: OpenStore) -> None:
    new = open_store()
    assert list(new.switches.off("OPENROUTER")) == ["OPENROUTER_CREATE_COINBASE_CHARGE"]
    new.switches.turn_on("OPENROUTER", "OPENROUTER_CREATE_COINBASE_CHARGE")
    assert open_store().switches.off("OPENROUTER") == {}, "a store that is there keeps its switches"


def test_toolkits_are_activated(store: Store) -> None:
    store.switches.activate("echo")
    store.switches.activate("ECHO")
    assert list(store.switches.activated()) == ["ECHO"]
    store.switches.deactivate("Echo")
    assert store.switches.activated() == {}


def test_an_address_is_registered_letter_by_letter(store: Store) -> None:
    address = "https://host.example:8443/back?from=tools"
    store.return_addresses.register(address)
    store.return_addresses.register(address)
    store.return_addresses.register("http://127.0.0.1:3000/")
    assert store.return_addresses.list() == ["http://127.0.0.1:3000/", address]
    assert store.return_addresses.registered(address)
    for near in (f"{address}&x=1", address.upper(), f"{address}#x", "https://host.example/back", "", "\0", "\ud800"):
        assert not store.return_addresses.registered(near)
    store.return_addresses.remove(address)
    store.return_addresses.remove(address)
    assert not store.return_addresses.registered(address)


def test_an_address_that_a_browser_may_read_differently_is_refused(store: Store) -> None:
    for wrong in (
        "javascript:alert(1)",
        "data:text/html,x",
        "//host/x",
        "///host/x",
        "\\\\host\\x",
        "https:\\\\host",
        "https:/host",
        "https:host",
        "/relative",
        "ftp://host/",
        "HTTPS://host/",
        "https://",
        "https:///x",
        "https://user:password@host/",
        "https://good.example@evil.example/",
        "https://host\\@evil.example/",
        "https://host/#fragment",
        "https://host/a b",
        "https://host/\n",
        " https://host/",
        "https://höst/",
        "https://[::1",
        "https://host/" + "x" * 500,
        "",
    ):
        with pytest.raises(ValueError, match=r"address|IPv6"):
            store.return_addresses.register(wrong)
        assert not store.return_addresses.registered(wrong)
    assert store.return_addresses.list() == []
