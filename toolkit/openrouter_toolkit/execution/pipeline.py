"""The way of a call: find the action, ask who may refuse, validate, take the user's key, run, answer."""

from __future__ import annotations

import json
import logging
import traceback
from functools import partial
from time import monotonic
from typing import Any

from ..accounts import LONGEST, Accounts, Credentials, ResolvedCredentials, Verdict, Verifier, resolve_credentials
from ..call import Call
from ..envelope import ActionError, Envelope
from ..manifest import Action, LoadedToolkit
from ..text.close_matches import close_matches
from ..text.redaction import redact, redact_thoroughly
from ..text.sanitize import clean, preview, quoted
from ..validation.arguments import as_object
from .hooks import Hooks
from .resources import Resources
from .toolset import Toolset

_log = logging.getLogger("openrouter_toolkit")


class Execution:
    """Executes a toolkit's actions. Safe to use from many threads.

    Attributes:
        known: the toolkit's actions by slug and by older slugs, those outside the toolset included.
    """

    def __init__(
        self,
        loaded: LoadedToolkit,
        toolset: Toolset,
        *,
        accounts: Accounts,
        hooks: Hooks,
        resources: Resources,
    ) -> None:
        self.known = {name: action for action in loaded.actions for name in (*action.aliases, action.slug)}
        self._toolkit = loaded.toolkit
        self._auth = loaded.auth
        self._toolset = toolset
        self._accounts = accounts
        self._hooks = hooks
        self._client = None if loaded.client is None else resources.client
        self._verifier = Verifier()
        self._takes_credentials = loaded.client_takes_credentials

    def run(self, slug: str, arguments: dict[str, Any] | None, user_id: str, call: Call) -> Envelope:
        """Execute an action for a user; whatever goes wrong on the way is told in the envelope."""
        started = monotonic()
        connected: ResolvedCredentials | None = None
        action: Action | None = None
        try:
            action = self._find(slug)
            self._toolset.check_allowed(action)
            arguments = self._hooks.before(action, as_object(action.slug, arguments), user_id)
            action.validator.check(action.slug, arguments, call.check)
            connected = self._connected(action, user_id)
            call.revalidate = partial(self._revalidate, action, connected)
            envelope = Envelope.success(redact(self._run(action, arguments, connected, call), _secrets(connected)))
            if connected is not None:
                connected.used()
        except ActionError as error:
            if connected is not None and _refuses_key(error):
                connected.refused(error, partial(self._verdict, action, connected, call))
            envelope = _failure(error, connected)
        except Exception as error:  # noqa: BLE001 - a mistake of a handler's: told and logged, never raised
            trace = redact_thoroughly(traceback.format_exc(), _secrets(connected))
            _log.error("%s failed unexpectedly\n%s", action, trace)
            envelope = _failure(_unexpected(error), connected)
        return self._hooks.after(action, envelope, monotonic() - started, arguments, user_id)

    def _find(self, slug: str) -> Action:
        action = self.known.get(slug) if isinstance(slug, str) else None
        if action is None:
            usable = self._toolset.actions
            near = close_matches(slug, usable, count=3) if isinstance(slug, str) else []
            name = self._written(slug) if isinstance(slug, str) else preview(slug)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(usable) or 'none'}."
            raise ActionError(
                "unknown_action",
                f"There is no action {name}.",
                f"There is no action {name}. {hint}",
                suggestions=near,
            )
        return action

    def _written(self, slug: str) -> str:
        """An unknown slug in quotes; as in JSON where only what can't be seen, such as a blank, makes it unknown."""
        return json.dumps(slug[:80]) if clean(slug[:80]) in self.known else quoted(slug, 80)

    def _connected(self, action: Action, user_id: str) -> ResolvedCredentials | None:
        """The user's account and the key that this action is executed with; None where there is no login."""
        if self._auth.scheme == "NO_AUTH":
            return None
        return resolve_credentials(
            self._accounts,
            user_id=user_id,
            toolkit=(self._toolkit.slug, self._toolkit.name),
            fields=self._auth.fields,
            key=self._auth.key.name,
            preferred=action.credential,
            whole=self._takes_credentials,
        )

    def _given(self, connected: ResolvedCredentials | None) -> Any:
        """What the toolkit's client gets of the account: the key, or all of it, as its `connected` takes it."""
        if self._takes_credentials:
            return Credentials({}) if connected is None else connected.credentials
        return None if connected is None else connected.key

    def _revalidate(self, action: Action, connected: ResolvedCredentials | None) -> None:
        """Whether a call may be tried again: a switch or a disconnect counts for the next request."""
        self._toolset.check_allowed(action)
        if connected is not None:
            connected.revalidate()

    def _verdict(self, action: Action | None, connected: ResolvedCredentials, call: Call) -> Verdict:
        """Whether the API refuses the key that a call was refused with, by the manifest's `verify` action."""
        verify = self.known.get(self._auth.verify or "")
        if verify is None or verify is action:  # nothing knows better than this very answer
            return Verdict.REFUSED
        return self._verifier.verdict(connected.credentials, partial(self._ask, verify, connected), call)

    def _ask(self, verify: Action, connected: ResolvedCredentials) -> Verdict:
        try:
            self._run(verify, dict(self._auth.verify_arguments), connected, Call(timeout=LONGEST))
        except ActionError as error:
            return Verdict.REFUSED if _refuses_key(error) else Verdict.UNKNOWN
        return Verdict.ACCEPTED

    def _run(self, action: Action, arguments: dict[str, Any], connected: ResolvedCredentials | None, call: Call) -> str:
        call.check()
        call.secrets = _secrets(connected)
        client = () if self._client is None else (self._client().connected(self._given(connected), call),)
        data: object = action.handler(arguments, *client)
        if not isinstance(data, str):
            raise TypeError(f"the handler of {action.slug} returned {type(data).__name__}, wanted text")
        return data


def _refuses_key(error: ActionError) -> bool:
    """Whether the API itself refused the key: not a provider or a proxy, which the client would name."""
    return error.status == 401 and error.type == "authentication" and not error.details.get("refused_by")


def _secrets(connected: ResolvedCredentials | None) -> tuple[str, ...]:
    return () if connected is None else connected.secrets


def _failure(error: ActionError, connected: ResolvedCredentials | None) -> Envelope:
    envelope = Envelope.failure(error)
    return Envelope(
        data=redact_thoroughly(envelope.data, _secrets(connected)),
        error=redact_thoroughly(envelope.error or "", _secrets(connected)),
        successful=False,
    )


def _unexpected(error: Exception) -> ActionError:
    return ActionError(
        "unmapped",
        f"The toolkit itself failed ({type(error).__name__}).",
        f"The toolkit itself failed ({type(error).__name__}); this is a mistake in it, not in the call. "
        "Tell whoever runs this agent; its log has the details.",
    )
