"""Replay, or with `OPENROUTER_CASSETTES=record` or `live` new recordings."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.accounts import MemoryAccounts
from openrouter_toolkit.call import Call
from openrouter_toolkit.sandbox import Sandbox

from .cases import CASES, MANAGEMENT, WRONG
from .tape import FOLDER, NOWHERE

Connect = Callable[[str], ToolRegistry]

_LIVE = "https://openrouter.ai/api/v1"


@pytest.fixture(scope="session")
def mode() -> str:
    """`replay`, `record` (from the sandbox) or `live` (from openrouter.ai)."""
    mode = os.environ.get("OPENROUTER_CASSETTES") or "replay"
    assert mode in ("replay", "record", "live"), "OPENROUTER_CASSETTES is either record or live"
    return mode


@pytest.fixture(scope="session")
def sandbox(mode: str) -> Iterator[Sandbox | None]:
    """The sandbox from which is recorded."""
    if mode != "record":
        yield None
        return
    with Sandbox(generation_delay=0.0) as sandbox:
        yield sandbox


@pytest.fixture
def place(mode: str, sandbox: Sandbox | None) -> Iterator[tuple[str, dict[str, str]]]:
    """The base URL that is called, and the keys for it."""
    wrong = {WRONG: "sk-or-v1-" + "0" * 64}
    if sandbox is not None:
        sandbox.reset()  # each case finds what there is from the start
        keys = {"ordinary": "sk-or-v1-sandbox", MANAGEMENT: "sk-or-v1-sandbox-management"}
        yield sandbox.base_url, keys | wrong
    elif mode == "live":
        key = os.environ.get("OPENROUTER_API_KEY")
        assert key, "recording from the live API wants a key in OPENROUTER_API_KEY"
        management = os.environ.get("OPENROUTER_MANAGEMENT_API_KEY", "")
        yield _LIVE, {"ordinary": key, MANAGEMENT: management} | wrong
    else:
        yield NOWHERE, {"ordinary": "sk-or-v1-replay", MANAGEMENT: "sk-or-v1-replay-management"} | wrong


@pytest.fixture(scope="session", autouse=True)
def _only_cassettes_of_cases(mode: str) -> None:
    """Recording anew forgets what no case asks for any more."""
    if mode != "replay":
        wanted = {f"{case.id}.yaml" for case in CASES}
        for path in FOLDER.glob("*/*.yaml"):
            if path.relative_to(FOLDER).as_posix() not in wanted:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()


@pytest.fixture(autouse=True)
def _offline(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay opens no connection and does not sleep between attempts."""
    if mode == "replay":

        def refuse(*_: Any) -> None:
            raise AssertionError("a replay must not open a connection")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(Call, "wait", lambda call, seconds: call.check())


@pytest.fixture
def connect(place: tuple[str, dict[str, str]]) -> Iterator[Connect]:
    """A registry whose user has this kind of key."""
    registries: list[ToolRegistry] = []
    base_url, keys = place

    def connect(kind: str) -> ToolRegistry:
        account = {"api_key": keys["ordinary" if kind == MANAGEMENT else kind]}
        if kind == MANAGEMENT:
            if not keys[kind]:
                pytest.skip("no key in OPENROUTER_MANAGEMENT_API_KEY: the cassette is left as it is")
            account["management_api_key"] = keys[kind]
        registry = ToolRegistry.from_manifest(
            toolsets=["all"],
            accounts=MemoryAccounts({"default": account}),
            client_options={"base_url": base_url, "max_attempts": 1},
        )
        registries.append(registry)
        return registry

    yield connect
    for registry in registries:
        registry.close()
