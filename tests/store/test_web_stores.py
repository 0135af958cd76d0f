"""Browser sessions, API tokens, switches and return addresses."""

from __future__ import annotations

import re
import traceback
import zlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from openrouter_toolkit.store import Store, StoreUnavailable, names, tokens
from openrouter_toolkit.store.names import ALPHABET
from openrouter_toolkit.store.tables import SessionRow, TokenRow

from .conftest import OpenStore, PassTime


def test_a_session_lives_as_long_as_it_is_used_and_a_week_at_the_most(store: Store, pass_time: PassTime) -> None:
    used, idle = store.sessions.create(), store.sessions.create()
    assert len(used) >= 43
    made = store.sessions.find(used)
    assert made is not None
    assert made.expires_at - made.created_at == timedelta(days=7)
    for _ in range(8):
        pass_time(timedelta(hours=20))
        found = store.sessions.find(used)
        assert found is not None
        assert found.expires_at == made.expires_at
    assert store.sessions.find(idle) is None
    pass_time(timedelta(hours=8))
    assert store.sessions.find(used) is None


def test_a_session_ends_everywhere_when_it_is_revoked(open_store: OpenStore) -> None:
    here, there = open_store(), open_store()
    one, other, third = (here.sessions.create() for _ in range(3))
    assert there.sessions.find(one) is not None
    here.sessions.revoke(one)
    here.sessions.revoke(one)
    here.sessions.revoke("unknown")
    assert there.sessions.find(one) is None
    assert there.sessions.find(other) is not None
    there.sessions.revoke_all()
    assert here.sessions.find(other) is None
    assert here.sessions.find(third) is None


def test_what_is_no_session(store: Store) -> None:
    real = store.sessions.create()
    for wrong in ("", real[:-1], real.swapcase(), "\0", "\ud800", "x" * 100_000):
        assert store.sessions.find(wrong) is None
    with store._database.read() as session:
        kept = session.scalars(select(SessionRow.id_hash)).one()
    assert store.sessions.find(kept) is None, "what the database has does not log in"


def test_ended_sessions_are_put_away_after_a_day(store: Store, pass_time: PassTime) -> None:
    revoked, idle, _ = store.sessions.create(), store.sessions.create(), store.sessions.create()
    store.sessions.revoke(revoked)
    store.tidy()
    assert count(store) == 3
    pass_time(timedelta(hours=23))
    assert store.sessions.find(idle) is not None
    pass_time(timedelta(hours=2))
    store.tidy()
    assert count(store) == 2
    pass_time(timedelta(days=2))
    store.tidy()
    assert count(store) == 0


def count(store: Store) -> int:
    with store._database.read() as session:
        return session.scalar(select(func.count(SessionRow.id_hash))) or 0


def test_a_token_is_recognised_and_only_its_hash_is_kept(store: Store) -> None:
    made, text = store.tokens.create("CI", ["bob", "alice", "bob"])
    assert re.fullmatch(r"ort_[0-9A-Za-z]{36}", text)
    assert made.users == frozenset({"alice", "bob"})
    assert store.tokens.find(text) == made
    everybody, other = store.tokens.create(" all ")
    assert (everybody.name, everybody.users) == ("all", None)
    assert [made.may_act_for(user) for user in ("alice", "carol", "")] == [True, False, False]
    assert everybody.may_act_for("carol")
    assert [token.id for token in store.tokens.list()] == [everybody.id, made.id]
    with store._database.read() as session:
        for kept in session.scalars(select(TokenRow.token_hash)):
            assert store.tokens.find(kept) is None
            assert not {kept, kept[:36]} & {text, text[4:], other}


@pytest.mark.parametrize("users", [[], [""], ["a\0"]])
def test_a_token_for_nobody_is_not_made(store: Store, users: list[str]) -> None:
    with pytest.raises(ValueError, match="user"):
        store.tokens.create("CI", users)
    assert store.tokens.list() == []


def test_a_revoked_token_is_none(open_store: OpenStore) -> None:
    here, there = open_store(), open_store()
    made, text = here.tokens.create("CI")
    assert there.tokens.find(text) is not None
    ended = here.tokens.revoke(made.id)
    assert ended is not None
    assert ended.revoked_at is not None
    assert there.tokens.find(text) is None
    assert there.tokens.revoke(made.id) == ended, "it ended when it ended"
    assert [token.revoked_at for token in there.tokens.list()] == [ended.revoked_at]
    for unknown in ("tok_unknown", "", "\0", text):
        assert here.tokens.revoke(unknown) is None


def test_a_tokens_last_use_is_noted_once_a_minute(store: Store, pass_time: PassTime) -> None:
    _, text = store.tokens.create("CI")
    seen = []
    for seconds in (0, 30, 31, 10):
        pass_time(timedelta(seconds=seconds))
        assert store.tokens.find(text) is not None
        seen.append(store.tokens.list()[0].last_used_at)
    assert seen[0] == seen[1]
    assert seen[2] == seen[3]
    assert seen[0] is not None
    assert seen[2] is not None
    assert seen[0] + timedelta(seconds=60) < seen[2]


def test_a_mistyped_token_does_not_reach_the_database(store: Store) -> None:
    _, text = store.tokens.create("CI")
    statements: list[str] = []
    event.listen(
        store._database._engine, "before_cursor_execute", lambda *arguments: statements.append(str(arguments[2]))
    )
    last = "A" if text[-1] != "A" else "B"
    for wrong in (
        text[:-1] + last,
        text[:-1],
        text + "A",
        text.upper(),
        text.swapcase(),
        "",
        "ort_",
        f" {text}",
        "é" * 40,
    ):
        assert store.tokens.find(wrong) is None
    assert store.tokens.find(f"{text}\n") is None
    assert store.tokens.find(None) is None  # type: ignore[arg-type]
    assert statements == []
    assert store.tokens.find(tokens.new_text()) is None
    assert "token_hash" in statements[-1]


def test_a_token_reaches_the_database_as_a_bound_hash_alone(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    _, good = store.tokens.create("CI")
    unknown = tokens.new_text()
    sent: list[tuple[str, object]] = []
    event.listen(
        store._database._engine,
        "before_cursor_execute",
        lambda *arguments: sent.append((str(arguments[2]), arguments[3])),
    )
    assert store.tokens.find(good) is not None
    assert store.tokens.find(unknown) is None
    for text in (good, unknown):
        assert any(names.hashed(text) in str(bound) for _, bound in sent)
    with store._database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE ort_api_tokens RENAME TO ort_gone")
    with pytest.raises(StoreUnavailable, match="ort_api_tokens") as failed:
        store.tokens.find(good)
    told = "".join(traceback.format_exception(failed.value)) + repr(failed.value.__context__)
    for text in (good, unknown):
        assert not any(text in f"{statement} {bound}" for statement, bound in sent)
        assert not any(names.hashed(text) in statement for statement, _ in sent)
        assert text not in told + caplog.text
        assert names.hashed(text) not in told


@given(st.text(alphabet="0123456789abcXYZ", min_size=30, max_size=30))
def test_the_checksum_is_crc_32_in_base_62(random: str) -> None:
    number = 0
    for digit in tokens.checksum(random):
        number = number * 62 + ALPHABET.index(digit)
    assert number == zlib.crc32(random.encode())
    assert tokens.well_formed(f"ort_{random}{tokens.checksum(random)}")


def test_actions_are_switched_off_and_on(open_store: OpenStore) -> None:
    here, there = open_store(), open_store()
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
