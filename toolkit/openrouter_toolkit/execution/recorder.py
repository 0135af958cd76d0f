"""Records calls in the ledger: what may cost money before it is made, everything when it has ended."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from ..call import Call
from ..envelope import ActionError, Envelope
from ..ledger import Ledger, LedgerUnavailable
from ..ledger.entry import FREE, KNOWN, NOTHING, UNKNOWN, UNSETTLED, Entry, milliseconds, to_units
from ..manifest import Toolkits
from ..spending.budgets import Budget
from ..spending.decisions import Demand, Request, Shortage
from ..store import StoreUnavailable
from ..text.redaction import redact_thoroughly, redacted_traceback
from ..text.sanitize import short_name
from .call_record import CallRecord

_MAX_COUNT = 2**63 - 1
_UNNAMED = "unknown"  # the action of a call of none
_log = logging.getLogger("openrouter_toolkit")


class Recorder:
    """Records the calls of one registry. Safe to use from many threads."""

    def __init__(self, ledger: Ledger, toolkits: Toolkits) -> None:
        """A call of no action is one of the first toolkit."""
        self._ledger = ledger
        self._toolkits = toolkits

    def budgets(self, *, paid: bool) -> Sequence[Budget]:
        """Return the budgets of the ledger's store; none for a call that costs nothing, if they can't be read.

        Raises:
            ActionError: `ledger_unavailable`; a call that may cost money must not be made.
        """
        try:
            return self._ledger.budgets.current()
        except StoreUnavailable as error:
            if paid and self._ledger.required:
                raise _unavailable(error) from None
            return ()

    def begin(self, record: CallRecord, call: Call, request: Request | None = None) -> Demand | Shortage | None:
        """Commit the row of a call that may cost money, and reserve that in budgets.

        Returns:
            What the call may use, or why it may not be made; None without a request.

        Raises:
            ActionError: `ledger_unavailable`; the call must not be made.
        """
        entry = self._entry(record, call)
        try:
            answer = self._ledger.begin(entry, request)
        except LedgerUnavailable as error:
            raise _unavailable(error) from None
        if not isinstance(answer, Shortage):
            record.begun, record.reserved = entry, request is not None
            call.progress.on_generation = partial(self._ledger.generated, entry)
        return answer

    def end(self, record: CallRecord, call: Call) -> None:
        """Record a call that has ended. Never raises: a call does not fail because it can't be recorded."""
        try:
            entry = self._entry(record, call) if record.begun is None else record.begun
            _add_outcome(entry, record, call)
            if record.begun is None:
                self._ledger.add(entry)
            else:
                self._ledger.finish(entry, reserved=record.reserved)
        except Exception:  # noqa: BLE001
            _log.error("a call was not recorded in the ledger\n%s", redacted_traceback())

    def _entry(self, record: CallRecord, call: Call) -> Entry:
        """Return what is known when a call begins."""
        caller, action = call.caller, record.action
        model = record.argument("model") if record.paid else None
        loaded = self._toolkits.first if action is None else self._toolkits.of(action)
        return Entry(
            toolkit=loaded.toolkit.slug,
            action=_UNNAMED if action is None else action.slug,
            user_id=_label(record.user_id, 255) or "",
            model=_label(model, 120) or "",
            request_model=_label(model, 120),
            token_id=caller.token_id or "",
            account_id=_label(record.account_id, 40) or "",
            agent=_label(caller.agent, 100) or "",
            session_id=_label(caller.session_id or record.argument("session_id"), 255),
            request_id=_label(caller.request_id, 100),
            streamed=record.argument("stream") is True,
        )


def _add_outcome(entry: Entry, record: CallRecord, call: Call) -> None:
    progress, envelope = call.progress, record.envelope
    error = None
    if envelope is None or not envelope.successful:
        error = None if envelope is None else envelope.action_error
        entry.error_type = _label(record.error_type if error is None else error.type, 64) or "unmapped"
    entry.status = progress.status if error is None or error.status is None else _small(error.status)
    entry.attempts = progress.attempts
    entry.cached = progress.cached
    entry.milliseconds = milliseconds(record.elapsed())
    if progress.first_output is not None:
        entry.first_token_ms = milliseconds(progress.first_output - record.started)
    entry.billing = FREE
    if not record.paid:
        return
    entry.generation_id = _label(progress.generation_id, 100)
    if record.answer is not None:
        _add_answer(entry, record, record.answer)
    entry.billing = _billing(entry, record.executed, error)


def _add_answer(entry: Entry, record: CallRecord, envelope: Envelope) -> None:
    """Add what a model's answer says: who gave it, the tokens and the cost."""
    entry.model = _label(envelope.model, 120) or entry.model
    entry.provider = _label(envelope.provider, 100) or ""
    entry.generation_id = entry.generation_id or _label(envelope.generation_id, 100)
    read, written = record.tokens
    entry.tokens_in, entry.tokens_out = _count(read), _count(written)
    entry.cost = to_units((envelope.usage or {}).get("cost"))


def _billing(entry: Entry, executed: Envelope | None, error: ActionError | None) -> str:
    """How it stands with the cost of a call that may have cost money."""
    if entry.cost is not None:
        return KNOWN
    if entry.attempts == 0 or _is_refusal(executed, error):
        return NOTHING
    return UNKNOWN if entry.generation_id is None else UNSETTLED


def _is_refusal(executed: Envelope | None, error: ActionError | None) -> bool:
    """Whether an API refused the call before it did anything: with a status, and without output."""
    if executed is None or executed.successful:
        return False
    failure = executed.action_error or error
    return (
        failure is not None
        and failure.partial is None
        and failure.status is not None
        and failure.status >= 400
        and "http_status" not in failure.details
    ) or (failure is not None and failure.details.get("sent") is False)


def _label(text: object, length: int) -> str | None:
    """Return a short text that can be kept and shown; a key in it is redacted. None if there is none."""
    if not text or not isinstance(text, str):
        return None
    if len(text) > length or not text.isprintable():
        text = short_name(text, length)
    if "sk-" in text:
        return redact_thoroughly(text, ())[:length]
    return text


def _count(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= _MAX_COUNT else None


def _small(status: Any) -> int | None:
    return status if type(status) is int and 0 <= status < 1000 else None


def _unavailable(error: LedgerUnavailable | StoreUnavailable) -> ActionError:
    return ActionError(
        "ledger_unavailable",
        f"The call can't be recorded in the ledger: {error}".rstrip(".") + ".",
        "The call may cost money, so it has to be recorded first, and that is not possible now. Nothing was sent. "
        "Call again later; if it stays so, the operator of this agent has to look at the ledger's database.",
        retryable=True,
        sent=False,
    )
