"""`people`, `audit` and `login-link --as`, in this process."""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import pwd
from collections.abc import Callable
from datetime import timedelta

import pytest

from openrouter_toolkit.cli import main
from openrouter_toolkit.commands.store import store_exists
from openrouter_toolkit.store import Role, Store

URL = "http://127.0.0.1:8700"
Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; what it prints on standard output, or with `fails` on standard error."""

    def run(*words: str, fails: int = 0) -> str:
        try:
            status = main(list(words))
        except SystemExit as ended:
            status = int(ended.code or 0)
        printed = capsys.readouterr()
        assert status == fails, printed.err
        return printed.err if fails else printed.out

    return run


def test_nothing_is_made_by_looking(run: Run) -> None:
    for command in (["people"], ["audit"], ["people", "list", "--json"]):
        run(*command)
    assert "there is nobody called" in run("people", "logins", "Ada", fails=1)
    assert not store_exists()


def test_people_are_invited_changed_and_removed(run: Run) -> None:
    link = run("people", "invite", "Ada Byron", URL, "--role", "owner", "--email", "ada@host.example").strip()
    assert link.startswith(f"{URL}/login/")
    made = json.loads(run("people", "invite", "Bob", URL, "--user-id", "bob", "b", "--expires", "7d", "--json"))
    assert (made["role"], made["users"]) == ("member", ["b", "bob"])
    with Store.open() as store:
        found = store.links.find(made["link"].rpartition("/")[2])
        assert found is not None
        assert found.expires_at - found.created_at == timedelta(days=7)
        store.people.joined(store.people.named("Ada Byron").id)
    assert run("people", "role", "bob", "auditor") == "Bob is an auditor.\n"
    assert run("people", "users", "bob", "--nobody") == "Bob stands for nobody.\n"
    assert run("people", "users", "bob", "--with", "x", "y") == "Bob stands for x, y.\n"
    assert run("people", "rename", made["id"], "Robert") == "Bob is Robert now.\n"
    table = run("people")
    assert "Ada Byron" in table
    assert "invited" in table
    assert "Robert is logged out" in run("people", "disable", "Robert")
    assert "is disabled" in run("login-link", URL, "--as", "robert", fails=1)
    run("people", "enable", "Robert")
    assert run("login-link", URL, "--as", "robert").startswith(f"{URL}/login/")
    assert "Robert is removed." in run("people", "remove", "Robert")
    listed = json.loads(run("people", "--json"))
    assert [person["name"] for person in listed] == ["Ada Byron"]
    assert "no owner left" in run("people", "role", "Ada Byron", "member", fails=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["invite", "Ada", URL, "--role", "king"], "there is no role"),
        (["invite", "", URL], "a name is printable text"),
        (["invite", "olivia", URL], "There is somebody of that name already"),
        (["invite", "Ada", URL, "--email", "nobody"], "an e-mail address is NAME@HOST"),
        (["invite", "Ada", URL, "--expires", "8d"], "give a time from 10m to 7d"),
        (["invite", "Ada", "ftp://x"], "the URL is http://NAME"),
        (["invite", "sk-or-v1-" + "0" * 64, URL], "looks like a key"),
    ],
)
def test_what_is_wrong_is_said_and_nobody_is_added(words: list[str], message: str, run: Run) -> None:
    with Store.open() as store:
        store.people.first_owner("Olivia")
    assert message in run("people", *words, fails=2)
    with Store.open() as store:
        assert [person.name for person in store.people.list()] == ["Olivia"]


def test_a_link_for_the_only_owner_or_by_name(run: Run) -> None:
    assert run("login-link", URL).startswith(f"{URL}/login/")
    with Store.open() as store:
        store.people.first_owner("Olivia")
        link = run("login-link", URL).strip().rpartition("/")[2]
        found = store.links.find(link)
        assert found is not None
        assert found.person_id is None
        store.people.joined(store.people.add("Otto", Role.OWNER).id)
    assert "say who logs in with --as" in run("login-link", URL, fails=2)
    assert 'nobody called "Ottto"' in run("login-link", URL, "--as", "Ottto", fails=1)
    assert run("login-link", URL, "--as", "Otto").startswith(f"{URL}/login/")


def test_logins_are_listed_and_ended(run: Run) -> None:
    with Store.open() as store:
        olivia = store.people.first_owner("Olivia")
        assert olivia is not None
        store.sessions.create(olivia, address="192.0.2.7", browser="Firefox")
    assert "192.0.2.7" in run("people", "logins", "olivia")
    (login,) = json.loads(run("people", "logins", "olivia", "--json"))
    assert (login["address"], login["browser"]) == ("192.0.2.7", "Firefox")
    assert run("people", "logins", "olivia", "--end") == "All logins of Olivia are ended.\n"
    assert json.loads(run("people", "logins", "olivia", "--json")) == []


def test_the_audit_log_names_the_user_of_the_machine(run: Run) -> None:
    run("tokens", "create", "--name", "agents")
    run("return-addresses", "add", "https://host.example/back")
    run("people", "invite", "Ada", URL)
    entries = json.loads(run("audit", "--json", "--all"))
    assert [entry["action"] for entry in entries] == [
        "link.made",
        "person.added",
        "return_address.registered",
        "token.made",
    ]
    me = pwd.getpwuid(os.getuid()).pw_name
    assert {(entry["actor_kind"], entry["actor_name"]) for entry in entries} == {("command", me)}
    assert {entry["address"] for entry in entries} == {platform.node()}
    assert entries[0]["request_id"] == entries[1]["request_id"]
    table = run("audit", "--action", "person")
    assert f"{me}, by a command" in table
    assert "added Ada" in table
    assert "role: member" in table
    assert "registered the return address" not in table
    assert len(list(csv.reader(io.StringIO(run("audit", "--csv", "--limit", "2"))))) == 3
    assert json.loads(run("audit", "--json", "--since", "2999-01-01")) == []
    assert len(json.loads(run("audit", "--json", "--since", "1h"))) == 4
    assert len(json.loads(run("audit", "--json", "--object", "agents", "--who", me))) == 1
    assert "give a date" in run("audit", "--since", "yesterday", fails=2)
