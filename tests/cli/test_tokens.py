"""`tokens`: made and printed once, listed without their text, revoked for good."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from openrouter_toolkit.store import Store

from .conftest import Command


@pytest.fixture
def command(command_here: Command) -> Command:
    return partial(command_here, "tokens")


def test_create_prints_the_token_alone(command: Command, store: Store) -> None:
    status, out, err = command("create")
    assert status == 0
    token = store.tokens.find(out.removesuffix("\n"))
    assert token is not None
    assert (token.users, token.name) == (None, "made on the command line")
    assert err == f"{token.id} may act for every user. The token is shown this one time.\n"


def test_create_for_some_users(command: Command, store: Store) -> None:
    status, out, err = command("create", "--name", "agents", "--user-id", "bob", "alice", "--user-id", "carol")
    assert status == 0
    token = store.tokens.find(out.strip())
    assert token is not None
    assert (token.name, token.users) == ("agents", frozenset({"alice", "bob", "carol"}))
    assert "may act for alice, bob, carol" in err


def test_create_for_an_agent(command: Command, store: Store) -> None:
    token = store.tokens.find(command("create", "--agent", "writer")[1].strip())
    assert token is not None
    assert token.agent == "writer"
    assert command("create", "--agent", " ")[0] == 2
    assert "writer" in command()[1]


def test_create_for_programs(command: Command, store: Store) -> None:
    status, out, err = command("create", "--user-id", "alice", "--json")
    made = json.loads(out)
    assert (status, err) == (0, "")
    assert store.tokens.find(made.pop("token")) is not None
    assert json.loads(command("list", "--json")[1])[0]["id"] == made["id"]


def test_a_token_is_told_once_and_kept_nowhere(command: Command, tmp_path: Path) -> None:
    text = command("create")[1].strip()
    for words in ([], ["list"], ["--json"], ["list", "--json"], ["--json", "list"]):
        status, out, err = command(*words)
        assert status == 0
        assert text[4:] not in out + err
    assert all(text[4:].encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_the_list(command: Command, store: Store) -> None:
    assert command() == (0, "", "There is no token; openrouter-toolkit tokens create makes one.\n")
    token, _ = store.tokens.create("of the agents", ["alice"])
    heads, row = command()[1].splitlines()
    assert heads.split() == ["id", "name", "may", "act", "for", "agent", "made", "last", "used", "revoked"]
    assert row.startswith(f"{token.id}  of the agents  alice")
    (told,) = json.loads(command("--json")[1])
    assert (told["users"], told["last_used_at"], told["revoked_at"]) == (["alice"], None, None)


def test_revoke(command: Command, store: Store) -> None:
    token, text = store.tokens.create("old")
    assert command("revoke", token.id)[:2] == (0, f"{token.id} (old) is revoked.\n")
    assert store.tokens.find(text) is None
    assert json.loads(command("revoke", token.id, "--json")[1])["revoked_at"] is not None


def test_revoke_by_the_beginning_of_its_id(command: Command, store: Store) -> None:
    one, _ = store.tokens.create("one")
    two, _ = store.tokens.create("two")
    status, out, err = command("revoke", "tok_")
    assert (status, out) == (1, "")
    assert "say which" in err
    begins = next(n for n in range(5, 25) if one.id[:n] != two.id[:n])
    assert command("revoke", one.id[:begins])[0] == 0
    assert {token.name for token in store.tokens.list() if token.revoked_at} == {"one"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("tok_nobody", 'token "tok_nobody"'),
        ("one", 'token "one"'),
        ("a\0b", 'token "ab"'),
        ("", "such token"),
        ("ort_abc", "such token"),  # a token itself, which is a secret
    ],
)
def test_revoke_of_nothing(command: Command, store: Store, given: str, named: str) -> None:
    store.tokens.create("one")
    status, out, err = command("revoke", given)
    assert (status, out) == (1, "")
    told = f"there is no {named} in the {store.name}; openrouter-toolkit tokens list lists them"
    assert err == f"openrouter-toolkit: {told}\n"
    assert store.tokens.list()[0].revoked_at is None


@pytest.mark.parametrize(
    "words",
    [
        ["create", "--name", ""],
        ["create", "--user-id"],
        ["create", "--user-id", ""],
        ["create", "--user-id", "a\nb"],
        ["create", "--name", "sk-or-v1-aaaabbbbccccdddd"],
        ["create", "word"],
        ["revoke"],
        ["destroy"],
    ],
)
def test_wrong_command_lines(command: Command, store: Store, words: list[str]) -> None:
    status, out, err = command(*words)
    assert (status, out) == (2, "")
    assert err.startswith("openrouter-toolkit: ")
    assert err.count("\n") == 1
    assert "aaaabbbb" not in err
    assert store.tokens.list() == []
