"""The store: looking creates none, a missing one is reported, and whose key the commands use."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.cli import main
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

from .conftest import Run

ALICES = "sk-or-v1-sandbox-alice"
KEY = "OPENROUTER_GET_CURRENT_KEY"
NO_ACCOUNT = b'openrouter-toolkit: there is no account "work"; openrouter-toolkit accounts lists them\n'
NO_TOKEN = b'openrouter-toolkit: there is no token "tok_x"; openrouter-toolkit tokens list lists them\n'
NO_ADDRESS = b"None is registered; openrouter-toolkit return-addresses add URL registers one.\n"
NOT_REGISTERED = (
    b"openrouter-toolkit: that address is not registered; openrouter-toolkit return-addresses lists those that are\n"
)
NO_TOKENS = b"There is no token; openrouter-toolkit tokens create makes one.\n"
LISTS_NOTHING = b"No account is connected; openrouter-toolkit connect connects one.\n"


@pytest.fixture
def fresh(environment: dict[str, str], tmp_path: Path) -> Path:
    """A home with nothing in it, and an environment that says nothing else."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in environment if name.startswith("XDG_")]:
        del environment[name]
    del environment["OPENROUTER_TOOLKIT_DATABASE"], environment["OPENROUTER_TOOLKIT_MASTER_KEY"]
    environment |= {"HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    return home


@pytest.mark.parametrize(
    ("words", "status", "out", "err"),
    [
        (["accounts"], 0, b"", LISTS_NOTHING),
        (["accounts", "list", "--user-id", "alice"], 0, b"", LISTS_NOTHING),
        (["accounts", "--json"], 0, b"[]\n", b""),
        (["accounts", "show", "work"], 1, b"", NO_ACCOUNT),
        (["accounts", "rename", "work", "home"], 1, b"", NO_ACCOUNT),
        (["accounts", "disconnect", "work", "--yes"], 1, b"", NO_ACCOUNT),
        (["tokens"], 0, b"", NO_TOKENS),
        (["tokens", "list", "--json"], 0, b"[]\n", b""),
        (["return-addresses"], 0, b"", NO_ADDRESS),
        (["return-addresses", "list", "--json"], 0, b"[]\n", b""),
        (["return-addresses", "remove", "https://squad.example/"], 1, b"", NOT_REGISTERED),
        (["tokens", "revoke", "tok_x"], 1, b"", NO_TOKEN),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_looking_makes_nothing(run: Run, fresh: Path, words: list[str], status: int, out: bytes, err: bytes) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout, done.stderr) == (status, out, err)
    assert list(fresh.iterdir()) == []


def test_a_database_that_is_named_and_not_there_is_not_made(run: Run, tmp_path: Path) -> None:
    before = list(tmp_path.iterdir())
    missing = f": {tmp_path / 'store.db'}, which OPENROUTER_TOOLKIT_DATABASE names, does not exist;"
    for words, nothing in ((["accounts"], LISTS_NOTHING), (["tokens"], NO_TOKENS), (["return-addresses"], NO_ADDRESS)):
        done = run(*words)
        assert (done.returncode, done.stdout) == (0, b"")
        assert done.stderr == nothing.replace(b";", missing.encode())
    for words, nothing in ((["accounts", "show", "work"], NO_ACCOUNT), (["tokens", "revoke", "tok_x"], NO_TOKEN)):
        assert run(*words).stderr == nothing.replace(b";", missing.encode())
    assert list(tmp_path.iterdir()) == before


def test_a_database_that_can_not_be_looked_at_is_told_as_such(run: Run, tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    done = run("accounts", OPENROUTER_TOOLKIT_DATABASE=f"sqlite:///{path}")
    reason = "File name too long. Name another file in OPENROUTER_TOOLKIT_DATABASE."
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"openrouter-toolkit: The SQLite file {path} can't be made: {reason}\n"


def test_a_database_on_a_server_is_told_without_its_password(run: Run) -> None:
    done = run("accounts", "show", "nix", OPENROUTER_TOOLKIT_DATABASE="postgresql://app:hunter2@127.0.0.1:1/tools")
    assert done.returncode == 1
    assert b"PostgreSQL database tools at 127.0.0.1:1 as app" in done.stderr
    assert b"hunter2" not in done.stderr


def test_what_makes_something_still_makes_a_store(run: Run, fresh: Path) -> None:
    token = json.loads(run("tokens", "create", "--json").stdout)
    listed = json.loads(run("tokens", "--json").stdout)
    assert [one["id"] for one in listed] == [token["id"]]
    assert len(list(fresh.rglob("store.db"))) == 1


def test_a_file_that_is_no_database_is_still_told(run: Run, environment: dict[str, str]) -> None:
    path = Path(environment["OPENROUTER_TOOLKIT_DATABASE"].removeprefix("sqlite:///"))
    path.write_bytes(b"no database, whatever its name is" * 100)
    for words in (["accounts"], ["tokens"]):
        done = run(*words)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(b"openrouter-toolkit: ")


# Whose key is used.


@pytest.fixture
def executed(run: Run) -> Callable[..., dict[str, Any]]:
    def executed(slug: str, *options: str, **changes: str) -> dict[str, Any]:
        envelope: dict[str, Any] = json.loads(run("execute", slug, *options, **changes).stdout)
        return envelope

    return executed


Executed = Callable[..., dict[str, Any]]


def error_type(envelope: dict[str, Any]) -> str:
    return str(json.loads(envelope["data"])["error"]["type"])


def test_without_a_store_the_environment_counts_and_none_is_made(
    executed: Executed, environment: dict[str, str]
) -> None:
    assert executed(KEY)["successful"]
    assert not Path(environment["OPENROUTER_TOOLKIT_DATABASE"].removeprefix("sqlite:///")).exists()


def test_a_connected_account_comes_before_the_environment(executed: Executed, store: Store, sandbox: Sandbox) -> None:
    store.accounts.connect("OPENROUTER", "default", {"api_key": ALICES})
    assert executed(KEY)["successful"]
    assert sandbox.requests[-1].key == ALICES


def test_other_users_have_their_own_and_nobody_elses(executed: Executed, store: Store, sandbox: Sandbox) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICES})
    assert executed(KEY, "--user-id", "alice")["successful"]
    assert sandbox.requests[-1].key == ALICES
    assert executed(KEY)["successful"]
    assert sandbox.requests[-1].key == sandbox.api_key
    refused = executed(KEY, "--user-id", "bob")
    assert error_type(refused) == "not_connected"
    assert "openrouter-toolkit connect --user-id bob" in refused["error"]


def test_an_account_that_is_off_is_not_replaced_by_the_environments_key(
    executed: Executed, store: Store, sandbox: Sandbox
) -> None:
    account = store.accounts.connect("OPENROUTER", "default", {"api_key": ALICES})
    store.accounts.disable(account.id)
    assert error_type(executed(KEY)) == "not_connected"
    assert sandbox.requests == []


def test_a_key_that_openrouter_does_not_know_any_more_expires_its_account(executed: Executed, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": "sk-or-v1-0123456789abcdef"})
    refused = executed(KEY, "--user-id", "alice")
    assert error_type(refused) == "authentication"
    assert "openrouter-toolkit connect --user-id alice" in refused["error"]
    assert store.accounts.get(account.id).status == "EXPIRED"
    again = executed(KEY, "--user-id", "alice")
    assert error_type(again) == "not_connected"
    assert "EXPIRED" in again["error"]


def test_a_use_is_noted(executed: Executed, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICES})
    assert account.last_used_at is None
    executed(KEY, "--user-id", "alice")
    assert store.accounts.get(account.id).last_used_at is not None


def test_what_is_switched_off_is_neither_listed_nor_executed(executed: Executed, store: Store, run: Run) -> None:
    store.switches.turn_off("OPENROUTER", KEY)
    assert KEY not in [action["slug"] for action in json.loads(run("actions", "--json").stdout)]
    assert KEY not in [tool["function"]["name"] for tool in json.loads(run("tools").stdout)]
    assert error_type(executed(KEY)) == "refused_by_policy"


def test_a_store_that_can_not_be_opened_is_told_and_no_other_key_used(store: Store, run: Run, sandbox: Sandbox) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICES})
    done = run("execute", KEY, OPENROUTER_TOOLKIT_MASTER_KEY="A" * 43 + "=")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"master key" in done.stderr
    assert sandbox.requests == []


def test_a_wrong_toolset_is_a_wrong_command_line_with_a_store_too(store: Store, run: Run) -> None:
    assert run("tools", "--allow", "OPENROUTER_GET_CREDIT").returncode == 2


def without_packages(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As on a machine with the plain install."""
    for name in [name for name in sys.modules if name.startswith("openrouter_toolkit.store")]:
        monkeypatch.delitem(sys.modules, name)
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(("variable", "folder"), [("XDG_DATA_HOME", ""), ("HOME", ".local/share")])
def test_a_store_of_another_installation_does_not_break_one_without_its_packages(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    openrouter_sandbox: Sandbox,
    variable: str,
    folder: str,
) -> None:
    for name in ("OPENROUTER_TOOLKIT_DATABASE", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv(variable, str(tmp_path))
    without_packages(monkeypatch, "sqlalchemy")
    assert main(["execute", KEY]) == 0
    made = tmp_path / folder / "openrouter-toolkit" / "store.db"
    made.parent.mkdir(parents=True)
    made.touch()
    capsys.readouterr()
    assert main(["execute", KEY]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["successful"]
    assert printed.err == (
        f"The store of connected accounts at {made} is not used: it was made by another installation, and this one "
        "lacks its packages (pip install 'openrouter-toolkit[accounts]'). The key in OPENROUTER_API_KEY is used "
        "instead.\n"
    )
    assert len(openrouter_sandbox.requests) == 2
    for no_key in ("", "your-api-key"):
        monkeypatch.setenv("OPENROUTER_API_KEY", no_key)
        assert main(["execute", KEY]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "pip install 'openrouter-toolkit[accounts]'" in printed.err
    assert len(openrouter_sandbox.requests) == 2


def test_a_database_that_was_named_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], openrouter_sandbox: Sandbox
) -> None:
    monkeypatch.setenv("OPENROUTER_TOOLKIT_DATABASE", "postgresql://127.0.0.1/tools")
    without_packages(monkeypatch, "sqlalchemy")
    assert main(["execute", KEY]) == 1
    assert "pip install 'openrouter-toolkit[accounts]'" in capsys.readouterr().err
    assert openrouter_sandbox.requests == []


def test_a_database_whose_name_is_quoted_is_found(run: Run, store: Store, tmp_path: Path) -> None:
    store.accounts.connect("OPENROUTER", "default", {"api_key": ALICES}, alias="mine")
    store.close()
    (tmp_path / "store.db").rename(tmp_path / "my store.db")
    done = run("accounts", OPENROUTER_TOOLKIT_DATABASE=f"sqlite:///{tmp_path}/my%20store.db")
    assert b"mine" in done.stdout


def test_a_relative_database_is_refused_and_no_other_key_used(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    done = run("execute", KEY, OPENROUTER_TOOLKIT_DATABASE="sqlite:///rel.db")
    assert (done.returncode, done.stdout) == (1, b"")
    assert f"sqlite:///{tmp_path}/rel.db" in done.stderr.decode()
    assert sandbox.requests == []


def test_an_unknown_tag_is_told_where_they_are_listed(run: Run) -> None:
    done = run("tools", "--allow", "nope")
    assert done.returncode == 2
    assert b"no action or tag 'nope'; openrouter-toolkit actions --json lists slugs and tags\n" in done.stderr


def test_a_server_without_a_tool_says_so(run: Run) -> None:
    done = run("mcp", "--allow", KEY, "--deny", KEY)
    assert done.returncode == 0
    assert done.stderr.startswith(b"openrouter-toolkit: no action is left to offer")
    assert run("mcp", "--allow", KEY).stderr == b""
