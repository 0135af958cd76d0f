"""Checks the keys of connected accounts: each once an hour, a few at a time, and none while the API says to wait."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from time import monotonic
from typing import Any

from ..accounts import refuses_key, why_refused
from ..connecting import ask
from ..envelope import ActionError, Envelope
from ..jobs import Stop, for_each
from ..ledger import CallFilter, Ledger
from ..ledger.entry import FREE, to_units
from ..manifest import LoadedToolkit
from ..store import ConnectedAccount, SealBroken, Status, Store, StoreError, Which
from ..store.account_health import Finding, Health, Spending
from ..store.columns import now
from ..text.json_text import json_or
from ..text.redaction import redact_thoroughly, redacted_traceback
from . import elsewhere, facts

EVERY = 60.0
AFTER = 60.0
_INTERVAL = timedelta(hours=1)
# Of all accounts, this part is checked in each run, so that all are within an hour; and at least a few.
_RUNS_AN_HOUR = 55
_MIN_PER_RUN = 5
_AT_ONCE = 4
_TIMEOUT = 10.0
# How long no key of a toolkit is checked after an answer that is no answer, if the API does not say how long.
_PAUSE = 300.0
_MAX_PAUSE = 3600.0
_RECENTLY = timedelta(minutes=10)
_REFUSED_LATELY = timedelta(days=1)
_PAYMENT_REQUIRED = "payment_required"
_NO_CREDIT = "The last call that costs money was refused: there is too little credit."
_log = logging.getLogger("openrouter_toolkit")


class AccountChecks:
    """The checks of one store's accounts. For one thread at a time."""

    def __init__(self, store: Store, ledger: Ledger, toolkits: Callable[[], Mapping[str, LoadedToolkit]]) -> None:
        """Check nothing yet. `toolkits` returns those that are used at present, by slug."""
        self._store = store
        self._ledger = ledger
        self._toolkits = toolkits
        self._paused_until: dict[str, float] = {}
        self._same_ending: Mapping[tuple[str, str | None], Sequence[ConnectedAccount]] = {}

    def run(self, stop: Stop) -> int:
        """Check some of the accounts that were not checked for an hour. Returns how many."""
        toolkits = {slug: loaded for slug, loaded in self._toolkits().items() if self._may_check(loaded)}
        if not toolkits:
            return 0
        active = self._store.accounts.count(Which(toolkits=list(toolkits), statuses=[Status.ACTIVE]))
        limit = max(_MIN_PER_RUN, ceil(active / _RUNS_AN_HOUR))
        due = self._store.health.due(list(toolkits), _INTERVAL, limit)
        if not due:
            return 0
        self._same_ending = self._by_ending(toolkits)
        checked: list[str] = []

        def check(account: ConnectedAccount) -> None:
            if not stop and self._may_check(toolkits[account.toolkit]):
                checked.append(account.id)
                self._check_logged(toolkits[account.toolkit], account, stop)

        for_each(due, check, at_once=_AT_ONCE, name="account-check")
        return len(checked)

    def _may_check(self, loaded: LoadedToolkit) -> bool:
        if loaded.auth.scheme == "NO_AUTH" or loaded.auth.verify is None:
            return False
        return monotonic() >= self._paused_until.get(loaded.toolkit.slug, 0.0)

    def _check_logged(self, loaded: LoadedToolkit, account: ConnectedAccount, stop: Stop) -> None:
        try:
            self._check(loaded, account, stop)
        except SealBroken:
            self._not_found_out(account)
        except StoreError as error:
            _log.warning("the health of account %s was not recorded: %s", account.id, error)
        except Exception:  # noqa: BLE001 - a toolkit of somebody else's must not keep others from being checked
            _log.error("the key of account %s could not be checked\n%s", account.id, redacted_traceback())
            self._not_found_out(account)

    def _not_found_out(self, account: ConnectedAccount) -> None:
        with suppress(StoreError):
            self._store.health.not_found_out(account)

    def _check(self, loaded: LoadedToolkit, account: ConnectedAccount, stop: Stop) -> None:
        """Check one account, and record what was found out."""
        credentials = self._store.accounts.credentials(account.id)
        if credentials is None or credentials.version != account.version:
            return
        with stop.call(_TIMEOUT) as call:
            envelope = ask(loaded, credentials, call)
        error = envelope.action_error
        if stop:
            return
        if error is None:
            self._store.health.found(account, self._finding(loaded, account, _answer(envelope)))
        elif refuses_key(error):
            why = redact_thoroughly(why_refused(loaded.toolkit.name, error), credentials.values())
            self._store.for_registry().refused(credentials, why)
        else:
            self._store.health.not_found_out(account)
            self._pause(loaded, error)

    def _pause(self, loaded: LoadedToolkit, error: ActionError) -> None:
        """Leave an API alone that says so, or that does not answer."""
        if error.retryable or error.retry_after is not None:
            seconds = min(_MAX_PAUSE, _PAUSE if error.retry_after is None else error.retry_after)
            self._paused_until[loaded.toolkit.slug] = monotonic() + seconds

    def _finding(self, loaded: LoadedToolkit, account: ConnectedAccount, answer: Mapping[str, Any]) -> Finding:
        at = now()
        found = facts.conditions(answer, at)
        if Health.LOW not in found and self._lacks_credit(account, at):
            found[Health.LOW] = _NO_CREDIT
        return Finding(
            conditions=found,
            expires_at=facts.expires_at(answer),
            limit=facts.dollars(answer.get("limit")),
            limit_remaining=facts.dollars(answer.get("limit_remaining")),
            spending=self._spending(loaded, account, answer, at),
        )

    def _lacks_credit(self, account: ConnectedAccount, at: datetime) -> bool:
        """Whether the account's last call that costs money was refused for lack of credit, of the last day."""
        wanted = CallFilter(account_id=account.id, since=at - _REFUSED_LATELY)
        refused = self._ledger.calls(replace(wanted, error_type=_PAYMENT_REQUIRED), limit=1).calls
        if not refused:
            return False
        later = self._ledger.calls(replace(wanted, successful=True, since=refused[0].at), limit=20).calls
        return all(call.billing == FREE for call in later)

    def _spending(
        self, loaded: LoadedToolkit, account: ConnectedAccount, answer: Mapping[str, Any], at: datetime
    ) -> Spending | None:
        """Compare the key's usage with the ledger; None if the API does not tell it, or the key is connected twice."""
        usage = to_units(facts.dollars(answer.get("usage")))
        connected = account.connected_at
        if loaded.toolkit.catalogue is None or usage is None or connected is None or self._is_shared(loaded, account):
            return None
        earlier, checked_at = self._store.health.baseline(account)
        if not elsewhere.is_comparable(checked_at, connected, at):
            earlier = None
        since = elsewhere.counted_since(connected, at)
        spent = self._ledger.spent(account.id, since=since, recently=at - _RECENTLY)
        return elsewhere.compare(earlier, usage, spent)

    def _by_ending(self, toolkits: Mapping[str, LoadedToolkit]) -> dict[tuple[str, str | None], list[ConnectedAccount]]:
        """Return the accounts whose keys end alike."""
        found: dict[tuple[str, str | None], list[ConnectedAccount]] = defaultdict(list)
        for account in self._store.accounts.list(Which(toolkits=list(toolkits))):
            field = toolkits[account.toolkit].auth.key.name
            found[account.toolkit, account.last_four.get(field)].append(account)
        return found

    def _is_shared(self, loaded: LoadedToolkit, account: ConnectedAccount) -> bool:
        """Whether another account has the same key, so that it is not known whose usage it is."""
        field = loaded.auth.key.name
        own = self._key(field, account)
        others = self._same_ending.get((account.toolkit, account.last_four.get(field)), ())
        return any(one.id != account.id and self._key(field, one) == own for one in others)

    def _key(self, field: str, account: ConnectedAccount) -> str | None:
        try:
            credentials = self._store.accounts.credentials(account.id)
            return None if credentials is None else credentials.get(field)
        except StoreError:  # it was disconnected meanwhile, or can't be decrypted
            return None


def _answer(envelope: Envelope) -> Mapping[str, Any]:
    """Return the facts about a key in an answer, as `connecting.check` has them."""
    answer = json_or(envelope.data)
    if not isinstance(answer, dict):
        return {}
    return answer["data"] if isinstance(answer.get("data"), dict) else answer
