"""Executes a call: find the action, check that it is allowed, validate, resolve credentials, run, redact."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..accounts import (
    VERIFY_TIMEOUT,
    Accounts,
    Credentials,
    ResolvedCredentials,
    Verdict,
    Verifier,
    refuses_key,
    resolve_credentials,
)
from ..call import Call
from ..envelope import ActionError, Envelope
from ..manifest import Action, Toolkits
from ..steps import Steps, finish
from ..text.close_matches import close_matches
from ..text.redaction import redact, redact_thoroughly, redacted_traceback
from ..text.sanitize import clean, preview, quoted
from ..validation.arguments import as_object
from .call_record import CallRecord
from .hooks import Hooks
from .resources import Resources
from .toolset import Toolset
from .trace_parameters import with_trace

if TYPE_CHECKING:  # its packages may be missing
    from ..ledger import Ledger
    from ..spending.memory import MemoryBudgets
    from .recorder import Recorder
    from .spending import Spending

_log = logging.getLogger("openrouter_toolkit")
# Imported by a host that uses OpenTelemetry before it has a provider or a span.
_OPENTELEMETRY = "opentelemetry.trace"


class Execution:
    """Executes the actions of a registry's toolkits. Safe to use from many threads."""

    def __init__(
        self,
        toolkits: Toolkits,
        toolset: Toolset,
        *,
        accounts: Mapping[str, Accounts],
        hooks: Hooks,
        resources: Resources,
        fill_trace: bool = False,
        ledger: Ledger | None = None,
        budgets: MemoryBudgets | None = None,
        on_ended: Callable[[CallRecord], None] | None = None,
    ) -> None:
        """`accounts` are those of each toolkit, by its slug; the client of `resources` is a `Clients`."""
        self._toolkits = toolkits
        self._toolset = toolset
        self._accounts = accounts
        self._hooks = hooks
        self._clients = resources.client
        self._fill_trace = fill_trace
        self._verifier = Verifier()
        self._on_ended = on_ended
        self._recorder: Recorder | None = None
        if ledger is not None:
            from .recorder import Recorder

            self._recorder = Recorder(ledger, toolkits)
        self._spending: Spending | None = None
        if ledger is not None or budgets is not None:
            from .spending import Spending

            self._spending = Spending(budgets, self._recorder, toolkits, self.look_up)

    def run(
        self, slug: str, arguments: Mapping[str, Any] | None, user_id: str, call: Call, account_id: str | None = None
    ) -> Envelope:
        """Execute an action for a user. All errors are returned in the envelope."""
        return finish(self.steps(slug, arguments, user_id, call, account_id))

    def steps(
        self, slug: str, arguments: Mapping[str, Any] | None, user_id: str, call: Call, account_id: str | None = None
    ) -> Steps[Envelope]:
        """`run` in steps, for a call that parks."""
        record = CallRecord(slug, arguments, user_id)
        if _OPENTELEMETRY not in sys.modules:  # a host that does not use it pays nothing for it
            return (yield from self._run_logged(record, call, account_id))
        from .telemetry import observed

        record.action = self._toolkits.find(slug)
        loaded = self._toolkits.first if record.action is None else self._toolkits.of(record.action)
        with observed(record, call, loaded.toolkit.slug.lower()):
            return (yield from self._run_logged(record, call, account_id))

    def _run_logged(self, record: CallRecord, call: Call, account_id: str | None) -> Steps[Envelope]:
        try:
            record.executed = yield from self._execute(record, call, account_id)
            record.seconds = record.elapsed()
            record.envelope = envelope = self._hooks.after(
                record.action, record.executed, record.seconds, record.arguments, record.user_id
            )
        finally:
            if _log.isEnabledFor(logging.INFO):
                _log.info("%s", record.line(), extra={"call": record})
            if self._on_ended is not None:
                self._on_ended(record)
            if self._spending is not None:
                self._spending.end(record, call)
            if self._recorder is not None:
                self._recorder.end(record, call)
        return envelope

    def _execute(self, record: CallRecord, call: Call, account_id: str | None) -> Steps[Envelope]:
        resolved: ResolvedCredentials | None = None
        action: Action | None = None
        try:
            action = record.action = self._find(record.slug)
            self._toolset.check_allowed(action)
            arguments = self._hooks.before(action, as_object(action.slug, record.arguments), record.user_id)
            if self._fill_trace:
                arguments = with_trace(action, arguments, record.user_id)
            record.arguments = arguments
            action.validator.check(action.slug, arguments, call.check)
            resolved = self._resolve(action, record.user_id, account_id)
            record.account_id = account_id if resolved is None else resolved.account_id
            if self._spending is not None:
                arguments = record.arguments = self._spending.begin(record, call, action, arguments)
            call = call.with_account(_secrets(resolved), partial(self._revalidate, action, resolved))
            data = yield from self._run(action, arguments, resolved, call)
            envelope = Envelope.success(redact(data, _secrets(resolved)))
            envelope.note = call.progress.note
            if resolved is not None:
                resolved.used()
        except ActionError as error:
            if action is not None and resolved is not None and refuses_key(error):
                resolved.refused(error, partial(self._verdict, action, resolved, call))
            envelope = _failure(error, resolved)
        except Exception as error:  # noqa: BLE001 - the network, or a bug in a handler: returned, never raised
            from .network_errors import network_failure  # it loads OpenSSL

            toolkit = self._toolkits.first if action is None else self._toolkits.of(action)
            failed = network_failure(error, toolkit.toolkit.name)
            if failed is None:
                _log.error("%s failed unexpectedly\n%s", action, redacted_traceback(_secrets(resolved)))
            envelope = _failure(failed or _unexpected(error), resolved)
        return envelope

    def check_allowed(self, slug: str) -> Action:
        """Return an action that may be called. Raises `ActionError` if there is none, or if it is not allowed."""
        action = self._find(slug)
        self._toolset.check_allowed(action)
        return action

    def look_up(self, slug: str, user_id: str, call: Call, account_id: str | None = None) -> str:
        """Call a read-only action for the toolkit's own use, outside the toolset and without hooks.

        Raises:
            ActionError: the call failed.
        """
        action = self._find(slug)
        resolved = self._resolve(action, user_id, account_id)
        call = call.with_account(_secrets(resolved), call.check)
        return redact(finish(self._run(action, {}, resolved, call)), _secrets(resolved))

    def _find(self, slug: str) -> Action:
        action = self._toolkits.find(slug)
        if action is None:
            usable = self._toolset.actions
            matches = close_matches(slug, usable, count=3) if isinstance(slug, str) else []
            name = self._display_slug(slug) if isinstance(slug, str) else preview(slug)
            hint = f"Did you mean {matches[0]}?" if matches else f"There are {', '.join(usable) or 'none'}."
            raise ActionError("unknown_action", f"There is no action {name}.", advice=hint, suggestions=matches)
        return action

    def _display_slug(self, slug: str) -> str:
        """Quote an unknown slug; as JSON if only invisible characters, such as spaces, make it unknown."""
        return json.dumps(slug[:80]) if self._toolkits.find(clean(slug[:80])) else quoted(slug, 80)

    def _resolve(self, action: Action, user_id: str, account_id: str | None) -> ResolvedCredentials | None:
        """Resolve the user's account and the key for this action; None if the toolkit has no login."""
        loaded = self._toolkits.of(action)
        if loaded.auth.scheme == "NO_AUTH":
            return None
        resolved = resolve_credentials(
            self._accounts[loaded.toolkit.slug],
            user_id=user_id,
            account_id=account_id,
            toolkit=(loaded.toolkit.slug, loaded.toolkit.name),
            fields=loaded.auth.fields,
            key=loaded.auth.key.name,
            preferred=action.credential,
            all_fields=loaded.client_takes_any_value,
        )
        return resolved.with_secrets(loaded.derived_secrets(resolved.credentials))

    def _revalidate(self, action: Action, resolved: ResolvedCredentials | None) -> None:
        """Before a retry, check that the action is still allowed and the account still connected."""
        self._toolset.check_allowed(action)
        if resolved is not None:
            resolved.revalidate()

    def _verdict(self, action: Action, resolved: ResolvedCredentials, call: Call) -> Verdict:
        """After a refused call: use the manifest's `verify` action to check whether the API refuses the key itself."""
        loaded = self._toolkits.of(action)
        verify = loaded.find(loaded.auth.verify)
        if verify is None or verify is action:  # no other call would give a better answer
            return Verdict.REFUSED
        return self._verifier.verdict(resolved.credentials, partial(self._call_verify, verify, resolved), call)

    def _call_verify(self, verify: Action, resolved: ResolvedCredentials) -> Verdict:
        try:
            call = Call(timeout=VERIFY_TIMEOUT, secrets=_secrets(resolved))
            arguments = dict(self._toolkits.of(verify).auth.verify_arguments)
            finish(self._run(verify, arguments, resolved, call))
        except ActionError as error:
            return Verdict.REFUSED if refuses_key(error) else Verdict.UNKNOWN
        return Verdict.ACCEPTED

    def _run(
        self, action: Action, arguments: dict[str, Any], resolved: ResolvedCredentials | None, call: Call
    ) -> Steps[str]:
        call.check()
        client = []
        loaded = self._toolkits.of(action)
        if loaded.client is not None:
            credentials, key = (Credentials({}), None) if resolved is None else (resolved.credentials, resolved.key)
            made = self._clients().of(loaded.toolkit.slug)
            client = [made.connected(loaded.client_credentials(credentials, key), call)]
        data: object = action.handler(arguments, *client)
        if isinstance(data, Generator):
            data = yield from data
        if not isinstance(data, str):
            raise TypeError(f"the handler of {action.slug} returned {type(data).__name__}, wanted text")
        return data


def _secrets(resolved: ResolvedCredentials | None) -> tuple[str, ...]:
    return () if resolved is None else resolved.secrets


def _failure(error: ActionError, resolved: ResolvedCredentials | None) -> Envelope:
    envelope = Envelope.failure(error)
    return Envelope(
        data=redact_thoroughly(envelope.data, _secrets(resolved)),
        error=redact_thoroughly(envelope.error or "", _secrets(resolved)),
        successful=False,
    )


def _unexpected(error: Exception) -> ActionError:
    return ActionError(
        "unmapped",
        f"The toolkit itself failed ({type(error).__name__}).",
        f"The toolkit itself failed ({type(error).__name__}); this is a mistake in it, not in the call. "
        "Tell the operator of this agent; its log has the details.",
    )
