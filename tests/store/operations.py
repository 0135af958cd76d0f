"""Every public method of a store, as calls that are right: what they raise is never their arguments' fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from openrouter_toolkit.store import ConnectedAccount, Status, Store, Which

from .releases.making import FOLDER

SESSION = "session-of-a-browser"
Operation = Callable[[Store], object]


def facts(folder: Path = FOLDER / "0.1.0", database: str = "sqlite") -> dict[str, Any]:
    """What is in the store that is kept of a release."""
    found: dict[str, Any] = json.loads((folder / f"{database}.json").read_text("utf-8"))
    return found


def operations(kept: dict[str, Any]) -> dict[str, Operation]:
    """By name; each is made for a store that has these facts."""
    return dict((*_reading(kept), *_of_accounts(kept), *_of_links(kept), *_of_the_rest(kept)))


def _reading(kept: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    accounts = kept["accounts"]
    names = [account["id"] for account in accounts]
    yield "check", lambda store: store.check()
    yield "list", lambda store: store.accounts.list()
    yield "pages", lambda store: store.accounts.list(limit=3, after=store.accounts.list(limit=2)[-1])
    yield "count", lambda store: store.accounts.count(Which(statuses=list(Status), users=["alice", None]))
    yield "get", lambda store: [store.accounts.get(name) for name in names]
    yield "credentials", lambda store: [store.accounts.credentials(name) for name in names]
    for user in ("alice", "bob", "erin"):
        yield f"a call of {user}", lambda store, user=user: store.for_registry().credentials(user, "OPENROUTER")  # type: ignore[misc]
        yield f"{user}'s", lambda store, user=user: store.for_registry().knows(user, "OPENROUTER")  # type: ignore[misc]
        yield f"to connect {user}", lambda store, user=user: store.for_registry().how_to_connect(user, "OPENROUTER")  # type: ignore[misc]
    yield "links", lambda store: [store.links.find(link["secret"]) for link in kept["links"]]
    yield "tokens", lambda store: store.tokens.list()
    yield "token", lambda store: [store.tokens.find(token["text"]) for token in kept["tokens"]]
    yield "sessions", lambda store: [store.sessions.find(name) for name in kept["sessions"].values()]
    yield "off", lambda store: store.switches.off("OPENROUTER")
    yield "activated", lambda store: store.switches.activated()
    yield "addresses", lambda store: store.return_addresses.list()
    yield "address", lambda store: store.return_addresses.registered("https://host.example/back")


def _of_accounts(kept: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    names = [account["id"] for account in kept["accounts"]]
    ours = next(account["id"] for account in kept["accounts"] if account["user_id"] is None)

    def with_credentials(store: Store) -> None:
        for_registry = store.for_registry()
        found = for_registry.credentials("alice", "OPENROUTER")
        if found is not None:
            for_registry.used(found)
            for_registry.refused(found, "No.")

    def connect(store: Store) -> ConnectedAccount:
        return store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})

    yield "use", with_credentials
    yield "connect", connect
    yield "initiate", lambda store: store.accounts.initiate("OPENROUTER", None, users=["alice"])
    for name in names[:4]:
        yield f"fill {name}", lambda store, name=name: store.accounts.fill(name, {"api_key": "k"})  # type: ignore[misc]
        yield f"fail {name}", lambda store, name=name: store.accounts.fail(name, "No.")  # type: ignore[misc]
        yield f"rename {name}", lambda store, name=name: store.accounts.rename(name, None)  # type: ignore[misc]
        yield f"default {name}", lambda store, name=name: store.accounts.make_default(name)  # type: ignore[misc]
        yield f"disable {name}", lambda store, name=name: store.accounts.disable(name)  # type: ignore[misc]
        yield f"enable {name}", lambda store, name=name: store.accounts.enable(name)  # type: ignore[misc]
    yield "share", lambda store: store.accounts.share(ours, ["alice", "carol"])
    yield "disconnect", lambda store: store.accounts.disconnect(names[-1])


def _of_links(kept: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    opened, bound, begun, _, to_log_in = kept["links"]
    yield "link", lambda store: store.links.to_connect("OPENROUTER", "alice")
    yield "link again", lambda store: store.links.to_reconnect(kept["accounts"][0]["id"])
    yield "log in", lambda store: store.links.to_log_in()
    yield "bind", lambda store: store.links.bind(opened["secret"], SESSION)
    yield "start", lambda store: store.links.start_pkce(bound["secret"], SESSION)
    yield "finish", lambda store: store.links.finish_pkce(begun["pkce"]["state"], SESSION)
    yield "consume", lambda store: store.links.consume(to_log_in["secret"])
    yield "end", lambda store: store.links.end_logins()


def _of_the_rest(kept: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    yield "new token", lambda store: store.tokens.create("new", ["alice"])
    yield "no token", lambda store: store.tokens.revoke(kept["tokens"][0]["id"])
    yield "new session", lambda store: store.sessions.create()
    yield "no session", lambda store: store.sessions.revoke(kept["sessions"]["active"])
    yield "no sessions", lambda store: store.sessions.revoke_all()
    yield "turn off", lambda store: store.switches.turn_off("OPENROUTER", "OPENROUTER_GET_CREDITS")
    yield "turn on", lambda store: store.switches.turn_on("OPENROUTER", "OPENROUTER_GET_CREDITS")
    yield "activate", lambda store: store.switches.activate("OTHER")
    yield "deactivate", lambda store: store.switches.deactivate("OTHER")
    yield "register", lambda store: store.return_addresses.register("https://host.example/2")
    yield "remove", lambda store: store.return_addresses.remove("https://host.example/2")
    yield "tidy", lambda store: store.tidy()
    yield "rotate", lambda store: store.rotate()
