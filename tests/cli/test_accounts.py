"""`accounts`: listed, shown as they are now, renamed, shared, switched off, disconnected; found by id or alias."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.commands import terminal
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import ConnectedAccount, Status, Store
from openrouter_toolkit.store.account_health import UNITS, Finding, Health, Spending

from .conftest import SCRIPT, Command
from .terminals import Terminal

Run = Callable[..., subprocess.CompletedProcess[bytes]]

KEY = "sk-or-v1-sandbox-a1b2c3d4e5f60718"
MANAGEMENT_KEY = "sk-or-v1-sandbox-management-55667788"
EXPIRED_KEY = "sk-or-v1-sandbox-expired-0011223344"


@pytest.fixture
def command(command_here: Command) -> Command:
    """Run `accounts`, which never prints a key."""

    def command(*words: str) -> tuple[int, str, str]:
        status, out, err = command_here("accounts", *words)
        assert KEY not in out + err
        assert MANAGEMENT_KEY not in out + err
        return status, out, err

    return command


@pytest.fixture
def work(store: Store) -> ConnectedAccount:
    """Alice's first account."""
    values = {"api_key": KEY, "management_api_key": MANAGEMENT_KEY}
    return store.accounts.connect("OPENROUTER", "alice", values, alias="work")


# Listing.


def test_nobody_is_connected(command: Command) -> None:
    assert command() == (0, "", "No account is connected; openrouter-toolkit connect connects one.\n")
    assert command("list", "--json") == (0, "[]\n", "")


def test_a_line_for_each_account_the_newest_first(command: Command, store: Store, work: ConnectedAccount) -> None:
    home = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY[:-4] + "wxyz"}, alias="home")
    ours = store.accounts.connect("OPENROUTER", None, {"api_key": KEY}, users=["bob", "alice"])
    store.accounts.disable(home.id)
    status, out, err = command()
    assert (status, err) == (0, "")
    heads, *rows = out.splitlines()
    names = ["id", "user", "alias", "default", "status", "health", "key", "connected", "last", "used"]
    assert heads.split() == names
    assert [row.split()[0] for row in rows] == [ours.id, home.id, work.id]
    assert "(organisation: alice, bob)" in rows[0]
    assert "INACTIVE: It was switched off." in rows[1]
    assert "…wxyz" in rows[1]
    assert "default" not in rows[1]
    assert rows[2].split()[:5] == [work.id, "alice", "work", "default", "ACTIVE"]
    assert "api …0718, management …7788" in rows[2]
    assert command("list")[1] == out


def test_the_health_of_its_key(command: Command, store: Store, work: ConnectedAccount) -> None:
    assert json.loads(command("--json")[1])[0]["health"]["state"] == "unknown"
    why = "$1.00 of the key's limit of $50.00 are left."
    spending = Spending(drift=0, unpriced=0, elsewhere=UNITS * 5 // 4)
    store.health.found(work, Finding({Health.LOW: why}, spending=spending))
    (account,) = json.loads(command("--json")[1])
    health = account["health"]
    assert (health["state"], health["why"], health["spent_elsewhere"]) == ("low", why, "1.25")
    assert datetime.fromisoformat(health["checked_at"]) == datetime.fromisoformat(health["since"])
    assert command()[1].splitlines()[1].split()[5] == "low"
    assert json.loads(command("show", "work", "--json")[1])["health"] == health
    shown = command("show", "work")[1]
    assert f"low: {why} (checked " in shown
    assert "about $1.25 were spent elsewhere" in shown


def test_one_users_accounts(command: Command, store: Store, work: ConnectedAccount) -> None:
    store.accounts.connect("OPENROUTER", "bob", {"api_key": KEY})
    for words in (["--user-id", "alice"], ["list", "--user-id", "alice"], ["--user-id", "alice", "list"]):
        rows = command(*words)[1].splitlines()[1:]
        assert [row.split()[0] for row in rows] == [work.id]
    assert command("--user-id", "nobody")[1] == ""
    ours = store.accounts.connect("OPENROUTER", None, {"api_key": KEY}, users=["alice"])
    alls = store.accounts.connect("OPENROUTER", None, {"api_key": KEY})
    rows = command("--user-id", "alice")[1].splitlines()[1:]
    assert [row.split()[0] for row in rows] == [alls.id, ours.id, work.id]
    assert ["(organisation: " in row for row in rows] == [True, True, False]
    assert [one["id"] for one in json.loads(command("--user-id", "nobody", "--json")[1])] == [alls.id]
    assert command("disable", ours.id, "--user-id", "alice")[0] == 1, "only its own are changed"
    assert command("--user-id", "a\0b")[1] == ""


def test_for_programs(command: Command, store: Store, work: ConnectedAccount) -> None:
    ours = store.accounts.connect("OPENROUTER", None, {"api_key": KEY})
    for words in (["--json"], ["list", "--json"], ["--json", "list"]):
        status, out, err = command(*words)
        assert (status, err, out.count("\n")) == (0, "", 1)
        second, first = json.loads(out)
        assert (second["id"], second["user_id"], second["users"]) == (ours.id, None, None)
        assert first["id"] == work.id
        assert (first["user_id"], first["alias"], first["status"], first["default"]) == (
            "alice",
            "work",
            "ACTIVE",
            True,
        )
        assert first["last_four"] == {"api_key": "0718", "management_api_key": "7788"}
        assert datetime.fromisoformat(first["connected_at"]) == work.connected_at
        assert first["last_used_at"] is None


def test_other_toolkits_show_as_such(command: Command, store: Store, work: ConnectedAccount) -> None:
    store.accounts.connect("ECHO", "alice", {"api_key": "open-sesame-and-more"})
    heads, echo, openrouter = command()[1].splitlines()
    assert heads.split()[1] == "toolkit"
    assert echo.split()[1] == "ECHO"
    assert openrouter.split()[1] == "OPENROUTER"


def test_a_reason_that_strangers_wrote_stays_on_its_line(
    command: Command, store: Store, work: ConnectedAccount
) -> None:
    store.accounts.disable(work.id, "No.\n\x1b[31mca_forged\u202e  ACTIVE")
    for words in ([], ["show", "work"]):
        out = command(*words)[1]
        assert "INACTIVE: No. ca_forged  ACTIVE" in out or "INACTIVE: No. ca_forged ACTIVE" in out
        assert not any(line.startswith("ca_forged") for line in out.splitlines())
        assert "\x1b" not in out


def test_names_reach_no_terminal_as_they_are(command: Command, store: Store) -> None:
    user = "[red]al\u0627ice[/red]"
    store.accounts.connect("OPENROUTER", user, {"api_key": KEY}, alias="[bold]b[/]")
    for words in ([], ["show", "[bold]b[/]"]):
        out = command(*words)[1]
        assert user in out
        assert "[bold]b[/]" in out
        assert "\x1b" not in out


def test_times_say_which_clock_they_are_of(
    command: Command, work: ConnectedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert work.connected_at is not None
    for zone, hours in (("UTC0", 0), ("XYZ-5", 5)):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            there = work.connected_at.astimezone(timezone(timedelta(hours=hours)))
            for words in ([], ["show", "work"]):
                assert f"{there:%Y-%m-%d %H:%M}+0{hours}:00" in command(*words)[1]
        finally:
            monkeypatch.delenv("TZ")
            time.tzset()


# One in full.


def test_show_tells_limits_and_spending_as_they_are_now(
    command: Command, work: ConnectedAccount, sandbox: Sandbox
) -> None:
    status, out, err = command("show", work.id)
    assert (status, err) == (0, "")
    told = dict(line.split("  ", 1) for line in out.splitlines())
    assert told["id"].strip() == work.id
    free = "1000 of 1000 requests to free models left today"
    assert f"…0718: limit $100.00, $100.00 left, $0.00 spent, {free}, does not expire" in out
    assert "management_api_key  …7788: limit" in out
    assert [(request.path, request.key) for request in sandbox.requests] == [("/key", KEY), ("/key", MANAGEMENT_KEY)]


def test_show_for_programs(command: Command, work: ConnectedAccount) -> None:
    found = json.loads(command("show", "work", "--json")[1])
    assert found["id"] == work.id
    assert found["keys"]["api_key"]["facts"]["limit_remaining"] == 100.0
    assert found["keys"]["management_api_key"]["facts"]["is_management_key"] is True


def test_show_tells_which_key_works_no_more(command: Command, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "bob", {"api_key": KEY, "management_api_key": EXPIRED_KEY})
    status, out, _ = command("show", account.id)
    assert status == 1
    assert "limit $100.00" in out
    assert "management_api_key  …3344: OpenRouter refused this key" in out
    assert store.accounts.get(account.id).status == Status.ACTIVE


def test_show_without_a_network(
    command: Command, store: Store, work: ConnectedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OPENROUTER_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        status, out, _ = command("show", work.id)
    assert status == 1
    assert "api_key             …0718: It could not be checked" in out
    assert store.accounts.get(work.id).status == Status.ACTIVE


def test_show_of_a_key_that_is_refused_expires_its_account(command: Command, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "bob", {"api_key": EXPIRED_KEY})
    status, out, err = command("show", account.id)
    assert (status, err) == (1, "")
    assert "EXPIRED: OpenRouter refused this key" in out
    assert store.accounts.get(account.id).status == Status.EXPIRED
    shown = json.loads(command("show", account.id, "--json")[1])
    assert shown["status"] == "EXPIRED"
    assert "OpenRouter refused this key" in shown["keys"]["api_key"]["problem"]


def test_enable_takes_an_expired_account_back_only_if_its_key_works(
    command: Command, store: Store, work: ConnectedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = store.accounts.connect("OPENROUTER", "bob", {"api_key": EXPIRED_KEY})
    for account, user in ((work, "alice"), (refused, "bob")):
        credentials = store.for_registry().credentials(user, "OPENROUTER")
        assert credentials is not None
        assert store.for_registry().refused(credentials, "No.")
        assert store.accounts.get(account.id).status == Status.EXPIRED
    status, out, err = command("enable", refused.id)
    assert (status, out) == (1, "")
    assert f"{refused.id} is still EXPIRED. api_key: OpenRouter refused this key" in err
    status, _, err = command("show", "work")
    assert (status, err) == (0, f"Its key works. To use it again: openrouter-toolkit accounts enable {work.id}\n")
    with monkeypatch.context() as patch, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        patch.setenv("OPENROUTER_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        status, _, err = command("enable", "work")
    assert (status, store.accounts.get(work.id).status) == (1, Status.EXPIRED)
    assert "could not be checked" in err
    assert command("enable", "work")[:2] == (0, f"work ({work.id}) is switched on.\n")
    back = store.accounts.get(work.id)
    assert (back.status, back.reason) == (Status.ACTIVE, None)
    assert dict(store.accounts.credentials(work.id) or {})["management_api_key"] == MANAGEMENT_KEY


def test_show_of_what_has_no_key_or_is_another_toolkits(command: Command, store: Store, sandbox: Sandbox) -> None:
    waiting = store.accounts.initiate("OPENROUTER", "carol")
    echo = store.accounts.connect("ECHO", "carol", {"api_key": "open-sesame-and-more"})
    assert "INITIATED" in command("show", waiting.id)[1]
    assert "…more" in command("show", echo.id)[1]
    assert sandbox.requests == []


# Which one is meant.


def test_an_id_may_be_shortened_while_it_is_unambiguous(command: Command, store: Store, work: ConnectedAccount) -> None:
    other = store.accounts.connect("OPENROUTER", "bob", {"api_key": KEY})
    begins = next(n for n in range(4, 24) if work.id[:n] != other.id[:n])
    assert json.loads(command("default", work.id[:begins], "--json")[1])["id"] == work.id
    status, out, err = command("disable", "ca_")
    assert (status, out) == (1, "")
    assert f"{work.id} of user alice" in err
    assert f"{other.id} of user bob" in err
    assert err.count("\n") == 1


def test_an_alias_means_its_account(command: Command, store: Store, work: ConnectedAccount) -> None:
    assert json.loads(command("default", "work", "--json")[1])["id"] == work.id
    bobs = store.accounts.connect("OPENROUTER", "bob", {"api_key": KEY}, alias="work")
    status, _, err = command("disable", "work")
    assert status == 1
    assert "say which by more of its id, or by --user-id" in err
    for words in (["--user-id", "bob", "disable", "work"], ["disable", "work", "--user-id", "bob"]):
        assert json.loads(command(*words, "--json")[1])["id"] == bobs.id


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("ca_nobody", 'account "ca_nobody"'),
        ("home", 'account "home"'),
        ("WORK", 'account "WORK"'),
        ("%", 'account "%"'),
        ("", "such account"),
        ("\x1b[2J", "such account"),
        ("a\0b", 'account "ab"'),
        ("x" * 100, f'account "{"x" * 59}…"'),
        ("sk-proj-of-another-service", "such account"),
        (f"work{KEY}", "such account"),
    ],
)
def test_what_means_no_account_is_told_with_where_it_was_looked_for(
    command: Command, store: Store, work: ConnectedAccount, given: str, named: str
) -> None:
    status, out, err = command("disable", given)
    assert (status, out) == (1, "")
    told = f"there is no {named} in the {store.name}; openrouter-toolkit accounts lists them"
    assert err == f"openrouter-toolkit: {told}\n"


def test_another_users_account_is_not_found_among_ones_own(command: Command, work: ConnectedAccount) -> None:
    status, _, err = command("disconnect", work.id, "--user-id", "bob", "--yes")
    assert status == 1
    assert f'there is no account "{work.id}" of user bob in the SQLite file' in err


# Changes.


def test_rename(command: Command, store: Store, work: ConnectedAccount) -> None:
    assert command("rename", "work", "office")[:2] == (0, f"{work.id} is called office now.\n")
    assert store.accounts.get(work.id).alias == "office"
    assert command("rename", "office")[0] == 2
    assert command("rename", "office", "home", "--no-alias")[0] == 2
    assert store.accounts.get(work.id).alias == "office"
    assert command("rename", "office", "--no-alias")[:2] == (0, f"{work.id} has no alias now.\n")
    assert store.accounts.get(work.id).alias is None


def test_rename_to_what_is_taken_or_no_name(command: Command, store: Store, work: ConnectedAccount) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="home")
    assert command("rename", "work", "home")[0] == 1
    assert command("rename", "work", " ")[0] == 2
    assert command("rename", "work", "ca_home")[0] == 2
    status, _, err = command("rename", "work", "sk-or-v1-aaaabbbbccccdddd")
    assert status == 2
    assert "looks like a key" in err
    assert "aaaabbbb" not in err
    assert store.accounts.get(work.id).alias == "work"


def test_default(command: Command, store: Store, work: ConnectedAccount) -> None:
    home = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="home")
    assert command("default", "home")[:2] == (0, f"home ({home.id}) is the default of user alice now.\n")
    assert (store.accounts.get(home.id).default, store.accounts.get(work.id).default) == (True, False)


def test_share(command: Command, store: Store) -> None:
    ours = store.accounts.connect("OPENROUTER", None, {"api_key": KEY})
    assert command("share", ours.id, "--with", "bob", "alice")[:2] == (0, f"{ours.id} may be used by alice, bob now.\n")
    assert store.accounts.get(ours.id).users == frozenset({"alice", "bob"})
    assert command("share", ours.id, "--everyone")[:2] == (0, f"{ours.id} may be used by every user now.\n")
    assert store.accounts.get(ours.id).users is None


def test_a_users_own_account_is_not_shared(command: Command, work: ConnectedAccount) -> None:
    status, out, err = command("share", "work", "--everyone")
    assert (status, out) == (1, "")
    assert "connect one for the organisation" in err
    assert command("share", "work")[0] == 2
    assert command("share", "work", "--everyone", "--with", "bob")[0] == 2


def test_disable_and_enable(command: Command, store: Store, work: ConnectedAccount) -> None:
    status, out, _ = command("disable", "work")
    assert status == 0
    assert f"openrouter-toolkit accounts enable {work.id}" in out
    assert store.accounts.get(work.id).status == Status.INACTIVE
    assert command("enable", "work")[:2] == (0, f"work ({work.id}) is switched on.\n")
    assert store.accounts.get(work.id).status == Status.ACTIVE


def test_what_has_no_key_can_not_be_switched_on(command: Command, store: Store) -> None:
    waiting = store.accounts.initiate("OPENROUTER", "carol")
    status, out, err = command("enable", waiting.id)
    assert (status, out) == (1, "")
    assert "is INITIATED: a key has to be connected first" in err


def test_disconnect(command: Command, store: Store, work: ConnectedAccount) -> None:
    status, out, err = command("disconnect", "work", "--yes")
    assert (status, out) == (0, f"work ({work.id}) is disconnected.\n")
    assert "delete it where it was made" in err
    assert store.accounts.list() == []


def test_disconnect_for_programs(command: Command, store: Store, work: ConnectedAccount) -> None:
    status, out, _ = command("disconnect", "work", "--yes", "--json")
    assert (status, json.loads(out)["id"]) == (0, work.id)
    assert store.accounts.list() == []


def test_disconnect_without_anybody_to_ask(command: Command, store: Store, work: ConnectedAccount) -> None:
    status, out, err = command("disconnect", "work")
    assert (status, out) == (2, "")
    assert "--yes" in err
    assert len(store.accounts.list()) == 1


@pytest.mark.parametrize(("typed", "status", "left"), [("y\n", 0, 0), ("\x04", 1, 1), ("\x03", 130, 1)])
def test_disconnect_asks_on_a_terminal(
    store: Store,
    work: ConnectedAccount,
    environment: dict[str, str],
    tmp_path: Path,
    typed: str,
    status: int,
    left: int,
) -> None:
    with Terminal([SCRIPT, "accounts", "disconnect", "work"], environment=environment, folder=tmp_path) as person:
        person.wait_for(f"Disconnect work ({work.id}) of user alice? [y/N] ")
        person.enter(typed)
        assert person.end() == status
    assert len(store.accounts.list()) == left


@pytest.mark.parametrize(("typed", "status"), [(" YES \n", 0), ("\n", 1), ("n\n", 1), ("yeah\n", 1)])
def test_disconnect_takes_yes_alone(
    command: Command, store: Store, work: ConnectedAccount, monkeypatch: pytest.MonkeyPatch, typed: str, status: int
) -> None:
    monkeypatch.setattr(terminal, "can_ask", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert command("disconnect", "work")[0] == status
    assert len(store.accounts.list()) == status


def test_an_organisations_default_and_a_users_are_apart(command: Command, store: Store, work: ConnectedAccount) -> None:
    ours = store.accounts.connect("OPENROUTER", None, {"api_key": KEY})
    assert command("default", ours.id)[:2] == (0, f"{ours.id} is the default of the organisation now.\n")
    assert store.accounts.get(work.id).default


@pytest.mark.parametrize("words", [["delete", "x"], ["show"], ["show", "a", "b"], ["list", "x"], ["default", "--all"]])
def test_wrong_command_lines(command: Command, words: list[str]) -> None:
    status, out, err = command(*words)
    assert (status, out) == (2, "")
    assert err.startswith("openrouter-toolkit: ")
    assert err.count("\n") == 1


def test_colours_for_a_person_only(
    run: Run, store: Store, work: ConnectedAccount, environment: dict[str, str], tmp_path: Path
) -> None:
    assert b"\x1b" not in run("accounts").stdout
    with Terminal([SCRIPT, "accounts"], environment=environment, folder=tmp_path) as person:
        assert person.end() == 0
    assert "\x1b[32mACTIVE\x1b[0m" in person.shown


def test_a_narrow_terminal_gets_a_line_for_each_thing_and_a_wide_one_a_table(
    store: Store, work: ConnectedAccount, environment: dict[str, str], tmp_path: Path
) -> None:
    shown = []
    for columns in ("80", "160"):
        changed = {**environment, "COLUMNS": columns, "NO_COLOR": "1"}
        with Terminal([SCRIPT, "accounts"], environment=changed, folder=tmp_path) as person:
            assert person.end() == 0
        shown.append(person.shown.splitlines())
    assert [line.rstrip() for line in shown[0][:4]] == [
        work.id,
        "  user       alice",
        "  alias      work",
        "  default    default",
    ]
    assert shown[1][0].split()[:3] == ["id", "user", "alias"]
    assert shown[1][1].split()[:3] == [work.id, "alice", "work"]
    assert len(shown[1]) == 2


def test_without_the_packages_it_says_what_to_install(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in [name for name in sys.modules if name.startswith("openrouter_toolkit.store")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    status, out, err = command()
    assert (status, out) == (1, "")
    assert "pip install 'openrouter-toolkit[" in err


def test_without_postgresqls_driver_it_says_what_to_install(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg.conninfo", None)
    monkeypatch.setenv("OPENROUTER_TOOLKIT_DATABASE", "postgresql://user:hunter2@127.0.0.1/name")
    status, out, err = command()
    assert (status, out) == (1, "")
    assert err == ("openrouter-toolkit: PostgreSQL needs its driver: pip install 'openrouter-toolkit[postgresql]'\n")
