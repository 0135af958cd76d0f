"""The state of one application instance: its settings, the store, and a registry for each toolkit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from starlette.requests import HTTPConnection

from .. import manifest
from ..envelope import ActionError
from ..execution.toolset import Toolset
from ..ledger import Ledger
from ..manifest import LoadedToolkit
from ..manifest.installed import Offer, offers
from ..store import Store, StoreError
from ..webhooks import Deliverer
from .access.shared_check import SharedCheck
from .active_calls import ActiveCalls, HostedRegistry
from .error_responses import Problem
from .health import StoreCheck
from .limits import AddressCounter, CallLimit, FairShare, Throttle
from .metrics import Metrics
from .settings import Settings


@dataclass(frozen=True)
class HostedToolkit:
    """A toolkit on this server: its manifest, and its registry, which uses the store's accounts.

    Attributes:
        offer: the installed package that offers it; None for a toolkit that the operator chose.
    """

    loaded: LoadedToolkit
    registry: HostedRegistry
    offer: Offer | None = None


class State:
    """The state of one instance. Thread-safe.

    Attributes:
        settings: the settings it was created with.
        store: connected accounts and all other stored data; shared with other instances.
        ledger: the ledger of calls, in the store's database.
        offered: the toolkits that installed packages offer, by slug, whether an administrator added them or not.
        broken_offers: those that can't be used, each with what is wrong.
        running: the active calls.
        throttle: slows down answers to wrong logins, tokens and keys.
        call_limit: limits the calls of each token.
        threads: shares the worker threads among tokens.
        streams: shares the streams that hold no thread among tokens.
        requests: counts the requests of each client behind a trusted proxy.
        store_check: checks whether the database can be used.
        shared_check: checks whether what the store keeps in memory still holds.
        logged: the messages that are logged once only, and have been.
        metrics: what is counted for Prometheus.
        webhooks: delivers events to webhooks.
    """

    def __init__(self, settings: Settings, store: Store, manifests: Iterable[Path | str] = ()) -> None:
        """Load the manifests of OpenRouter and, from `manifests`, of other toolkits.

        Raises:
            ManifestError: a manifest is invalid, or two have the same slug, or an action of the same name.
        """
        self.settings = settings
        self.store = store
        self.ledger = Ledger(store, days=settings.ledger_days, required=settings.ledger_required)
        self.running = ActiveCalls()
        self.throttle = Throttle()
        self.call_limit = CallLimit(settings.calls_per_minute)
        self.threads = FairShare(settings.worker_threads)
        self.streams = FairShare(settings.streams)
        self.requests = AddressCounter(settings.connections_per_address)
        self.store_check = StoreCheck(store)
        self.shared_check = SharedCheck(store.lookups)
        self.logged: set[str] = set()
        self.metrics = self._metrics()
        self.webhooks = Deliverer(store, settings.host_name, settings.private_webhooks, settings.mail_server)
        chosen = manifest.load_several((None, *manifests))
        self._chosen = {loaded.toolkit.slug: HostedToolkit(loaded, self._registry(loaded)) for loaded in chosen}
        self.offered, self.broken_offers = self._offers()
        store.links.toolkits = (*self._chosen, *self.offered)

    @property
    def toolkits(self) -> Mapping[str, HostedToolkit]:
        """The toolkits by slug: OpenRouter's, the operator's, and those of packages that an administrator added."""
        if not self.offered:
            return self._chosen
        added = self.store.switches.activated()
        return {**self._chosen, **{slug: one for slug, one in self.offered.items() if slug in added}}

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
        """Close the registries' connections and the store check, and write what the ledger has in memory."""
        self.store_check.close()
        self.shared_check.close()
        for toolkit in (*self._chosen.values(), *self.offered.values()):
            toolkit.registry.close()
        self.ledger.close()

    def _metrics(self) -> Metrics:
        metrics = Metrics()
        metrics.watch("active_calls", "Calls that are being made.", lambda: len(self.running))
        metrics.watch("free_threads", "Worker threads that are free.", lambda: self.threads.free)
        metrics.watch(
            "ledger_waiting_rows", "Rows of the ledger that are not written yet.", lambda: self.ledger.waiting
        )
        metrics.watch("ledger_lost_rows", "Rows given up while the database was away.", lambda: self.ledger.lost)
        return metrics

    def _offers(self) -> tuple[dict[str, HostedToolkit], list[Offer]]:
        """Read what packages offer. One that is broken, or whose names are taken, is left out, with the reason."""
        offered: dict[str, HostedToolkit] = {}
        broken: list[Offer] = []
        for offer in offers():
            if offer.loaded is None:
                broken.append(offer)
                continue
            slug = offer.loaded.toolkit.slug
            others = (*self._chosen.values(), *offered.values())
            problems = [
                f"the {name} is there already, in {one.offer.package if one.offer else one.loaded.toolkit.name}"
                for one in others
                for name in manifest.clashes(offer.loaded, one.loaded)
            ]
            if not problems and slug in self.store.switches.activated():
                problems = problems_of(offer)
            if problems:
                broken.append(replace(offer, problems=problems))
            else:
                offered[slug] = HostedToolkit(offer.loaded, self._registry(offer.loaded, offered=True), offer)
        return offered, broken

    def _registry(self, loaded: LoadedToolkit, *, offered: bool = False) -> HostedRegistry:
        return HostedRegistry(
            loaded,
            # Their switches decide about withdrawn actions, too: in a new store they are off.
            Toolset(
                loaded.all_actions,
                lambda: self._switched_off(loaded, offered=offered),
                {one.slug for one in loaded.all_actions if one.withdrawn},
            ),
            accounts=self.store.for_registry(f"{self.settings.url}/admin/tools"),
            running=self.running,
            threads=self.threads,
            streams=self.streams,
            max_workers=self.settings.worker_threads,
            on_ended=self.metrics.call_ended,
            ledger=self.ledger,
        )

    def _switched_off(self, loaded: LoadedToolkit, *, offered: bool) -> Collection[str]:
        """Return the slugs of a toolkit's inactive actions.

        These are all of them if it needs no login and is not activated, or if a package offers it and it is not added;
        and those of further toolsets that no administrator has switched on.
        """
        slug = loaded.toolkit.slug
        try:
            if (offered or loaded.auth.scheme == "NO_AUTH") and slug not in self.store.switches.activated():
                return [action.slug for action in loaded.all_actions]
            off = self.store.switches.off(slug)
            if not loaded.toolsets:
                return off
            on = self.store.switches.toolsets(slug)
            further = (name for name in loaded.toolsets if name not in on)
            return {*off, *(action.slug for name in further for action in loaded.actions_of(name))}
        except StoreError:
            text = "Which actions are allowed can't be looked up now, so the call was not made. Call again later."
            raise ActionError("not_connected", text, retryable=True) from None


def problems_of(offer: Offer) -> list[str]:
    """Import what an offered toolkit names, and return what is wrong with it."""
    try:
        offer.check()
    except manifest.ManifestError as error:
        return error.problems
    except Exception as error:  # noqa: BLE001 - a broken package must break nothing else
        return [f"can't be loaded: {type(error).__name__}: {error}"]
    return []


def hosted(connection: HTTPConnection) -> State:
    """Return the state of the instance that serves a request."""
    state: State = connection.app.state.hosted
    return state
