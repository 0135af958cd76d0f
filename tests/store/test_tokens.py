"""API tokens: their form, their users, and how they are revoked."""

from __future__ import annotations

import re
import traceback
import zlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

from openrouter_toolkit.store import Store, StoreUnavailable, names, tokens
from openrouter_toolkit.store.names import ALPHABET
from openrouter_toolkit.store.tables import TokenRow

from .conftest import OpenStore, PassTime


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
    with store._database.write(audited=False) as session:
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
