"""A sandbox with two users' keys, a store in which they are connected, and the web application served from it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest
from keyring.backends.fail import Keyring as NoKeyring

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Store

from .served import Served, serving

ALICE = "sk-or-v1-sandbox-alice-0123456789abcdef"
BOB = "sk-or-v1-sandbox-bob-fedcba9876543210"
ECHO = Path(__file__).parents[1] / "echo_toolkit" / "manifest.yaml"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sandbox: Sandbox) -> None:
    """The sandbox is OpenRouter, and nothing of whoever runs the tests is used or touched."""
    for name in ("OPENROUTER_API_KEY", "OPENROUTER_TOOLKIT_MASTER_KEY", "OPENROUTER_TOOLKIT_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENROUTER_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("keyring.core._keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]


@pytest.fixture
def key() -> MasterKey:
    """A master key."""
    return MasterKey.fresh()


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> str:
    """The URL of a fresh database, its tables already made."""
    return f"sqlite:///{copyfile(migrated, tmp_path / 'store.db')}"


@pytest.fixture
def store(database: str, key: MasterKey) -> Iterator[Store]:
    """A store in which alice and bob are connected."""
    with Store.open(database, master_keys=[key]) as store:
        store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
        store.accounts.connect("OPENROUTER", "bob", {"api_key": BOB})
        yield store


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """The web application, with the tests' second toolkit beside OpenRouter's."""
    with serving(store, manifests=[ECHO]) as served:
        yield served


@pytest.fixture(scope="module", autouse=True)
def parser(request: pytest.FixtureRequest) -> Iterator[str]:
    """The parser of the servers that a module starts: by default the fastest; `both_parsers` runs it with each."""
    name: str = getattr(request, "param", "httptools")
    with pytest.MonkeyPatch.context() as patch:
        if name == "h11":  # as where the others are not installed
            patch.setitem(sys.modules, "httptools", None)
            patch.setitem(sys.modules, "uvloop", None)
        yield name


both_parsers = pytest.mark.parametrize("parser", ["httptools", "h11"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def _shared(parser: str, _running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    database = f"sqlite:///{tmp_path_factory.mktemp('shared') / 'store.db'}"
    with (
        pytest.MonkeyPatch.context() as patch,
        Store.open(database, master_keys=[MasterKey.fresh()]) as store,
    ):
        patch.setenv("OPENROUTER_BASE_URL", _running_sandbox.base_url)
        store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
        store.accounts.connect("OPENROUTER", "bob", {"api_key": BOB})
        with serving(store, manifests=[ECHO], calls_per_minute=100_000) as served:
            yield served


@pytest.fixture
def shared(_shared: Served, sandbox: Sandbox) -> Served:
    """`served` once for all tests of a module; none of them may change what is connected or switched on."""
    return _shared
