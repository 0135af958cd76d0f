"""Commands that only look make nothing: no database, no master key, no folder, on a machine that has none."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[bytes]]
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
