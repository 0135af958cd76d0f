"""The state of one application instance: its settings, the store, and a registry for each toolkit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from starlette.requests import HTTPConnection

from .. import manifest
from ..envelope import ActionError
from ..execution.toolset import Toolset
from ..manifest import LoadedToolkit
from ..store import Store, StoreError
from .access.shared_check import SharedCheck
from .active_calls import ActiveCalls, HostedRegistry
from .error_responses import Problem
from .health import StoreCheck
from .limits import AddressCounter, CallLimit, FairShare, Throttle
from .settings import Settings


@dataclass(frozen=True)
class HostedToolkit:
    """A toolkit on this server: its manifest, and its registry, which uses the store's accounts."""

    loaded: LoadedToolkit
    registry: HostedRegistry


class State:
    """The state of one instance. Thread-safe.

    Attributes:
        settings: the settings it was created with.
        store: connected accounts and all other stored data; shared with other instances.
        toolkits: the toolkits by slug, in the order of their manifests; OpenRouter's is the first.
        running: the active calls.
        throttle: slows down answers to wrong logins, tokens and keys.
        call_limit: limits the calls of each token.
        threads: shares the worker threads among tokens.
        requests: counts the requests of each client behind a trusted proxy.
        store_check: checks whether the database can be used.
        shared_check: checks whether what the store keeps in memory still holds.
        logged: the messages that are logged once only, and have been.
    """

    def __init__(self, settings: Settings, store: Store, manifests: Iterable[Path | str] = ()) -> None:
        """Load the manifests of OpenRouter and, from `manifests`, of other toolkits.

        Raises:
            ManifestError: a manifest is invalid.
            ValueError: two manifests have the same slug, or an action of the same name.
        """
        self.settings = settings
        self.store = store
        self.running = ActiveCalls()
        self.throttle = Throttle()
        self.call_limit = CallLimit(settings.calls_per_minute)
        self.threads = FairShare(settings.worker_threads)
        self.requests = AddressCounter(settings.connections_per_address)
        self.store_check = StoreCheck(store)
        self.shared_check = SharedCheck(store.lookups)
        self.logged: set[str] = set()
        self.toolkits: Mapping[str, HostedToolkit] = {}
        for path in (None, *manifests):
            self._add(manifest.load(path))
        store.links.toolkits = tuple(self.toolkits)

    @property
    def csrf_keys(self) -> tuple[bytes, ...]:
        """The keys that sign forms: the first signs, all verify. Derived on each use, because master keys change."""
        return self.store.derived_keys("csrf")

    def toolkit(self, slug: str) -> HostedToolkit:
        """Return a toolkit by its slug in any letter case. Raises `Problem` 404 if there is none."""
        found = self.toolkits.get(slug.upper()) if slug.isascii() else None
        if found is None:
            raise Problem(404)
        return found

    def toolkit_of(self, action: str) -> HostedToolkit:
        """Return the toolkit of an action's slug or alias; for an unknown one, the toolkit to suggest close matches."""
        toolkits = list(self.toolkits.values())
        exact = (one for one in toolkits if one.loaded.find(action))
        similar = (one for one in toolkits if action.startswith(f"{one.loaded.toolkit.slug}_"))
        return next(chain(exact, similar), toolkits[0])

    def close(self) -> None:
        """Close the registries' connections and the store check."""
        self.store_check.close()
        self.shared_check.close()
        for toolkit in self.toolkits.values():
            toolkit.registry.close()

    def _add(self, loaded: LoadedToolkit) -> None:
        slug = loaded.toolkit.slug
        if slug in self.toolkits:
            raise ValueError(f"two manifests have the toolkit slug {slug}")
        registry = HostedRegistry(
            loaded,
            Toolset(loaded.actions, lambda: self._switched_off(loaded)),
            accounts=self.store.for_registry(f"{self.settings.url}/admin/tools"),
            running=self.running,
            threads=self.threads,
            max_workers=self.settings.worker_threads,
        )
        for name in (name for action in loaded.actions for name in (action.slug, *action.aliases)):
            if any(other.loaded.find(name) for other in self.toolkits.values()):
                raise ValueError(f"two manifests have an action named {name}")
        self.toolkits = {**self.toolkits, slug: HostedToolkit(loaded, registry)}

    def _switched_off(self, loaded: LoadedToolkit) -> Collection[str]:
        """Return the slugs of a toolkit's inactive actions: all of them if it needs no login and is not activated."""
        slug = loaded.toolkit.slug
        try:
            if loaded.auth.scheme == "NO_AUTH" and slug not in self.store.switches.activated():
                return [action.slug for action in loaded.actions]
            return self.store.switches.off(slug)
        except StoreError:
            text = "Which actions are allowed can't be looked up now, so the call was not made. Call again later."
            raise ActionError("not_connected", text, retryable=True) from None


def hosted(connection: HTTPConnection) -> State:
    """Return the state of the instance that serves a request."""
    state: State = connection.app.state.hosted
    return state
