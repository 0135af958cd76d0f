"""What an instance of the web application works with: its settings, the store, and a registry for each toolkit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import HTTPConnection

from .. import manifest
from ..envelope import ActionError
from ..execution.toolset import Toolset
from ..manifest import Action, LoadedToolkit
from ..store import Store, StoreError
from .active_calls import ActiveCalls, HostedRegistry
from .error_responses import Problem
from .limits import AddressCounter, CallLimit, FairShare, Throttle
from .settings import Settings
from .store_check import StoreCheck


@dataclass(frozen=True)
class HostedToolkit:
    """A toolkit that is offered here: its manifest, and its registry, which works with the store's accounts."""

    loaded: LoadedToolkit
    registry: HostedRegistry

    def action(self, slug: str) -> Action | None:
        """An action by its slug or an older one, switched off or not."""
        return next((one for one in self.loaded.actions if slug in (one.slug, *one.aliases)), None)


class State:
    """One instance's state. Safe from many threads.

    Attributes:
        settings: as they were given.
        store: connected accounts and all else that is kept; shared with other instances.
        toolkits: by slug, in the order of their manifests; OpenRouter's first.
        running: the calls that are being made.
        throttle: slows wrong logins, tokens and keys down.
        call_limit: counts each token's calls.
        threads: the worker threads, as tokens share them.
        requests: counts the requests of each client behind a trusted proxy.
        store_check: tells whether the database can be used.
    """

    def __init__(self, settings: Settings, store: Store, manifests: Iterable[Path | str] = ()) -> None:
        """`manifests` are those of further toolkits.

        Raises:
            ManifestError: one is wrong.
            ValueError: two have the same slug, or an action of the same name.
        """
        self.settings = settings
        self.store = store
        self.running = ActiveCalls()
        self.throttle = Throttle()
        self.call_limit = CallLimit(settings.calls_per_minute)
        self.threads = FairShare(settings.worker_threads)
        self.requests = AddressCounter(settings.connections_per_address)
        self.store_check = StoreCheck(store)
        self.toolkits: Mapping[str, HostedToolkit] = {}
        self._by_action: dict[str, HostedToolkit] = {}
        for path in (None, *manifests):
            self._add(manifest.load(path))
        store.links.toolkits = tuple(self.toolkits)

    @property
    def csrf_keys(self) -> tuple[bytes, ...]:
        """What forms are signed with: the first signs, all verify. Asked anew each time, for master keys change."""
        return self.store.derived_keys("csrf")

    def toolkit(self, slug: str) -> HostedToolkit:
        """A toolkit by its slug in any case; `Problem` 404 where there is none."""
        found = self.toolkits.get(slug.upper()) if slug.isascii() else None
        if found is None:
            raise Problem(404)
        return found

    def toolkit_of(self, action: str) -> HostedToolkit:
        """The toolkit that has an action, by its slug or an older one; else the one that knows best what was meant."""
        known = self._by_action.get(action)
        if known is not None:
            return known
        toolkits = list(self.toolkits.values())
        return next((one for one in toolkits if action.startswith(f"{one.loaded.toolkit.slug}_")), toolkits[0])

    def close(self) -> None:
        """Close the connections that registries keep open."""
        self.store_check.close()
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
        hosted_toolkit = HostedToolkit(loaded, registry)
        for action in loaded.actions:
            for name in (action.slug, *action.aliases):
                if name in self._by_action:
                    raise ValueError(f"two manifests have an action named {name}")
                self._by_action[name] = hosted_toolkit
        self.toolkits = {**self.toolkits, slug: hosted_toolkit}

    def _switched_off(self, loaded: LoadedToolkit) -> Collection[str]:
        """The slugs of a toolkit's actions that are off now: all, where it needs no login and is not activated."""
        slug = loaded.toolkit.slug
        try:
            if loaded.auth.scheme == "NO_AUTH" and slug not in self.store.switches.activated():
                return [action.slug for action in loaded.actions]
            return self.store.switches.off(slug)
        except StoreError:
            text = "Which actions are allowed can't be looked up now, so the call was not made. Call again later."
            raise ActionError("not_connected", text, retryable=True) from None


def hosted(connection: HTTPConnection) -> State:
    """The state of the instance that a request came to."""
    state: State = connection.app.state.hosted
    return state
