"""A registry in another process: made again in the same way, and no key goes along."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import Credentials, EnvironmentAccounts, MemoryAccounts, OpenRouterRegistry, ToolRegistry
from openrouter_toolkit.ledger import Ledger
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Store

KEY = "sk-or-v1-sandbox"


def check(action: Any, arguments: dict[str, Any], user_id: str) -> None:
    """A hook that can be pickled."""


def test_it_is_made_again_as_it_was_made() -> None:
    options: dict[str, Any] = {"client_options": {"x_title": "Mine"}, "max_workers": 3, "before_execute": check}
    registry = OpenRouterRegistry.from_manifest(allow=["models"], deny=["OPENROUTER_GET_MODELS_COUNT"], **options)
    again = pickle.loads(pickle.dumps(registry))
    assert type(again) is OpenRouterRegistry
    assert list(again.actions) == list(registry.actions)
    assert again._resources._max_workers == 3
    assert again._hooks._before == [check]
    clients = [one._resources.client().of("OPENROUTER") for one in (again, registry)]
    assert clients[0].headers == clients[1].headers
    assert list(pickle.loads(pickle.dumps(again)).actions) == list(registry.actions)


def test_another_toolkits_too() -> None:
    path = Path(__file__).parent / "echo_toolkit" / "manifest.yaml"
    assert pickle.loads(pickle.dumps(ToolRegistry.from_manifest(path))).toolkit.slug == "ECHO"
    both = ToolRegistry.from_manifest([None, path])
    assert list(pickle.loads(pickle.dumps(both)).actions) == list(both.actions)


def test_another_process_takes_the_key_from_its_own_environment(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-of-this-process")
    written = pickle.dumps(ToolRegistry.from_manifest(client_options={"base_url": sandbox.base_url}))
    assert b"of-this-process" not in written
    (tmp_path / "registry").write_bytes(written)
    program = (
        "import pickle; registry = pickle.load(open('registry', 'rb')); "
        "print(registry.execute('OPENROUTER_GET_CURRENT_KEY').successful)"
    )
    environment = {**os.environ, "OPENROUTER_API_KEY": sandbox.api_key}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "True\n", done.stderr
    assert [request.key for request in sandbox.requests] == [sandbox.api_key]


class HoldsKeys:
    """Accounts that Python would pickle with everything in them."""

    def __init__(self) -> None:
        self.key = KEY

    def credentials(self, user_id: str, toolkit: str) -> Credentials | None:
        return Credentials({"api_key": self.key})

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        return "?"


class KnowsHow(HoldsKeys):
    """Accounts whose class says how they are pickled."""

    def __reduce__(self) -> Any:
        return KnowsHow, ()


@pytest.mark.parametrize(
    "accounts",
    [
        MemoryAccounts({"default": {"api_key": KEY}}),
        EnvironmentAccounts({"api_key": "KEY"}, {"KEY": KEY}),
        HoldsKeys(),
    ],
)
def test_keys_that_were_given_are_never_pickled(accounts: Any) -> None:
    with pytest.raises(TypeError, match="can't be pickled") as caught:
        pickle.dumps(ToolRegistry.from_manifest(accounts=accounts))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("accounts", [KnowsHow(), EnvironmentAccounts({"api_key": "MY_KEY"})])
def test_accounts_that_say_how_are_pickled(accounts: Any) -> None:
    written = pickle.dumps(ToolRegistry.from_manifest(accounts=accounts))
    assert KEY.encode() not in written
    assert type(pickle.loads(written).accounts) is type(accounts)


def test_a_registry_with_a_ledger_is_not_pickled(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}", master_keys=[MasterKey.fresh()])
    with store, Ledger(store) as ledger, pytest.raises(TypeError, match="with a ledger can't be pickled"):
        pickle.dumps(ToolRegistry.from_manifest(ledger=ledger))


def test_credentials_are_never_pickled() -> None:
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(Credentials({"api_key": KEY}))
