"""Commands that only look make nothing: no database, no master key, no folder, on a machine that has none."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[bytes]]
NO_ACCOUNT = b"openrouter-toolkit: there is no such account; openrouter-toolkit accounts lists them\n"
NO_TOKEN = b"openrouter-toolkit: there is no such token; openrouter-toolkit tokens list lists them\n"
NO_ADDRESS = b"None is registered; openrouter-toolkit return-addresses add URL registers one.\n"
NOT_REGISTERED = (
    b"openrouter-toolkit: that address is not registered; openrouter-toolkit return-addresses lists those that are\n"
)
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
        (["accounts", "disconnect", "ca_", "--yes"], 1, b"", NO_ACCOUNT),
        (["tokens"], 0, b"", b"There is no token; openrouter-toolkit tokens create makes one.\n"),
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
    done = run("accounts")
    assert (done.returncode, done.stderr) == (0, LISTS_NOTHING)
    assert list(tmp_path.iterdir()) == before


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
