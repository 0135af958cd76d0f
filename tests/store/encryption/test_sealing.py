"""Sealed values: bound to their row, naming their key; and what happens when rows are exchanged."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any

import pytest
from sqlalchemy import update

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, SealBroken, Status, Store
from openrouter_toolkit.store.encryption.sealing import Sealer
from openrouter_toolkit.store.tables import AccountRow


def test_a_value_opens_in_its_own_place_only() -> None:
    sealer = Sealer([MasterKey.fresh()])
    sealed = sealer.seal("secret", "account", "ca_1", "OPENROUTER", "alice")
    assert sealer.open(sealed, "account", "ca_1", "OPENROUTER", "alice") == "secret"
    for place in (
        ("account", "ca_1", "OPENROUTER", "bob"),
        ("account", "ca_2", "OPENROUTER", "alice"),
        ("account", "ca_1", "ECHO", "alice"),
        ("link", "ca_1", "OPENROUTER", "alice"),
        ("account", "ca_1", "OPENROUTER"),
        ("account", "ca_1OPENROUTER", "", "alice"),
        (),
    ):
        with pytest.raises(SealBroken, match="another row"):
            sealer.open(sealed, *place)


def test_a_changed_value_does_not_open() -> None:
    sealer = Sealer([MasterKey.fresh()])
    sealed = sealer.seal("secret", "place")
    form, key_id, text = sealed.split(".")
    raw = base64.b64decode(text)
    for number in range(len(raw)):
        changed = bytes([*raw[:number], raw[number] ^ 1, *raw[number + 1 :]])
        with pytest.raises(SealBroken):
            sealer.open(f"{form}.{key_id}.{base64.b64encode(changed).decode()}", "place")
    for wrong in (
        "",
        "s1",
        f"{form}.{key_id}",
        f"{form}.{key_id}.",
        sealed[:-8],
        f"s2{sealed[2:]}",
        sealed + "é",
        "🔑",
    ):
        with pytest.raises(SealBroken):
            sealer.open(wrong, "place")


def test_no_two_are_alike_and_each_names_its_key() -> None:
    old, new = MasterKey.fresh(), MasterKey.fresh()
    sealed = [Sealer([old]).seal("secret", "place") for _ in range(100)]
    assert len(set(sealed)) == 100
    assert all(value.startswith(f"s1.{old.id}.") for value in sealed)
    both = Sealer([new, old])
    assert both.open(sealed[0], "place") == "secret"
    assert both.seal("secret", "place").startswith(f"s1.{new.id}.")
    with pytest.raises(SealBroken, match=f"{old.id}.*not given.*{new.id}"):
        Sealer([new]).open(sealed[0], "place")


def test_keys_for_different_purposes_have_nothing_in_common(store: Store, key: MasterKey) -> None:
    cookies, tokens = store.derived_keys("cookies"), store.derived_keys("tokens")
    assert [len(derived) for derived in cookies] == [32]
    assert cookies == store.derived_keys("cookies")
    assert cookies != tokens
    assert store.derived_keys("store: sealing")[0] != key.derive("store: sealing"), "a host can't ask for ours"
    assert key.written().encode() not in b"".join(map(base64.b64encode, (*cookies, *tokens)))


def test_neither_keys_nor_sealers_show_or_pickle_anything() -> None:
    key = MasterKey.fresh()
    for thing in (key, Sealer([key])):
        assert key.written()[:12] not in repr(thing)
        assert key.id in repr(thing)
        with pytest.raises(TypeError):
            pickle.dumps(thing)


def exchange(store: Store, one: str, other: str, column: Any) -> None:
    with store._database.write(audited=False) as session:
        first, second = session.get_one(AccountRow, one), session.get_one(AccountRow, other)
        mine, theirs = getattr(first, column.key), getattr(second, column.key)
        session.execute(update(AccountRow).where(AccountRow.id == one).values({column: theirs}))
        session.execute(update(AccountRow).where(AccountRow.id == other).values({column: mine}))


def test_with_rows_exchanged_both_calls_fail_and_nothing_is_sent(store: Store, openrouter_sandbox: Sandbox) -> None:
    key = openrouter_sandbox.api_key
    alice = store.accounts.connect("OPENROUTER", "alice", {"api_key": key})
    bob = store.accounts.connect("OPENROUTER", "bob", {"api_key": key})
    store.accounts.connect("OPENROUTER", "alice", {"api_key": key})
    store.accounts.connect("OPENROUTER", None, {"api_key": key})
    exchange(store, alice.id, bob.id, AccountRow.sealed)
    with ToolRegistry.from_manifest(accounts=store.for_registry()) as registry:
        for user in ("alice", "bob"):
            envelope = registry.execute("OPENROUTER_LIST_PROVIDERS", user_id=user)
            error = json.loads(envelope.data)["error"]
            assert (error["type"], "SealBroken" in error["message"]) == ("not_connected", True)
            with pytest.raises(SealBroken, match="another row"):
                store.for_registry().credentials(user, "OPENROUTER")
        assert openrouter_sandbox.requests == []
        assert registry.execute("OPENROUTER_LIST_PROVIDERS", user_id="carol").successful
    with pytest.raises(SealBroken):
        store.accounts.credentials(alice.id)
    store.accounts.fill(alice.id, {"api_key": key})
    assert store.accounts.get(alice.id).status == Status.ACTIVE


def test_an_account_given_to_another_user_behind_our_back_does_not_open(store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
    for values in ({"owner": "bob"}, {"owner": "", "for_everyone": True}):
        with store._database.write(audited=False) as session:
            session.execute(update(AccountRow).where(AccountRow.id == account.id).values(values))
        with pytest.raises(SealBroken):
            store.for_registry().credentials("bob", "OPENROUTER")
