"""Holds calls within budgets: each reserves what it costs at most before it is made, and is settled afterwards."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from ..call import Call
from ..manifest import Action, Toolkits
from ..spending.budgets import Budget, Facts
from ..spending.costs import failure_cost
from ..spending.decisions import Demand, Request, Shortage, to_units
from ..spending.estimates import estimate, models_of
from ..spending.memory import MemoryBudgets
from ..spending.quotes import quote
from ..spending.refusal import refusal
from .call_record import CallRecord
from .catalogues import Catalogues

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..models.listing import Listing
    from .recorder import Recorder

# By which name an action limits its answer, in the order of preference.
_MAX_TOKENS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_TIMEOUT = 30.0


class Spending:
    """The budgets of one registry: those that it was given, and those of its ledger's store. Safe for many threads."""

    def __init__(
        self,
        memory: MemoryBudgets | None,
        recorder: Recorder | None,
        toolkits: Toolkits,
        look_up: Callable[[str, str, Call, str | None], str],
    ) -> None:
        """`look_up` calls a read-only action: of its slug, the user, the call, and the account."""
        self._memory = memory
        self._recorder = recorder
        self._toolkits = toolkits
        self._look_up = look_up
        self._catalogues = Catalogues()

    def begin(self, record: CallRecord, call: Call, action: Action, arguments: dict[str, Any]) -> dict[str, Any]:
        """Reserve what a call costs at most, and write its row in the ledger if it may cost something.

        Returns:
            The arguments, with a lower `max_tokens` where a budget leaves less than the whole.

        Raises:
            ActionError: `budget_exceeded`, or `ledger_unavailable`; the call must not be made.
        """
        paid = record.paid
        stored = () if self._recorder is None else self._recorder.budgets(paid=paid)
        facts = None if self._memory is None and not stored else _facts(record, call, action, arguments)
        if facts is None or not self._any_applies(stored, facts):
            if paid and self._recorder is not None:
                call.check()
                self._recorder.begin(record, call)
            return arguments
        listing = self._listing(record, call, action) if paid else None
        estimated = None if listing is None else estimate(arguments, listing.prices)
        name = next((one for one in _MAX_TOKENS if one in action.definition.input_parameters["properties"]), None)
        flexible = name is not None and not any(arguments.get(one) is not None for one in _MAX_TOKENS)
        demand = Demand.of(estimated, flexible=flexible) if paid else Demand(0, 0)
        call.check()
        granted = self._reserve(record, call, Request(stored, facts, demand))
        if isinstance(granted, Shortage):
            quoted = None if listing is None else quote(action.slug, arguments, listing)
            raise refusal(granted, estimated, quoted)
        if granted.max_tokens is None or name is None:
            return arguments
        call.progress.note = f"{name} was set to {granted.max_tokens:,}, since a budget leaves no more for this call."
        return {**arguments, name: granted.max_tokens}

    def end(self, record: CallRecord, call: Call) -> None:
        """Settle a call that has ended in the budgets of this process."""
        reservation, record.reservation = record.reservation, None
        if reservation is None or self._memory is None:
            return
        begun = call.progress.attempts > 0
        cost = _cost(record) if begun else Decimal(0)
        read, written = record.tokens
        tokens = None if read is None and written is None else (read or 0) + (written or 0)
        self._memory.settle(
            reservation,
            None if cost is None else to_units(cost),
            0 if cost == 0 and tokens is None else tokens,
            begun=begun,
        )

    def _any_applies(self, stored: Sequence[Budget], facts: Facts) -> bool:
        in_memory = self._memory is not None and self._memory.apply_to(facts)
        return in_memory or any(budget.subjects(facts) for budget in stored)

    def _reserve(self, record: CallRecord, call: Call, request: Request) -> Demand | Shortage:
        if self._memory is not None:
            reserved = self._memory.reserve(request.facts, request.demand)
            if isinstance(reserved, Shortage):
                return reserved
            record.reservation = reserved
            if reserved.demand.max_tokens is not None:
                request = request._replace(demand=reserved.demand)
        if self._recorder is None or not (request.budgets or request.facts.paid):
            return request.demand
        try:
            answer = self._recorder.begin(record, call, request)
        except BaseException:
            self._release(record)
            raise
        if isinstance(answer, Shortage):
            self._release(record)
        return request.demand if answer is None else answer

    def _release(self, record: CallRecord) -> None:
        """Give back what a call that is not made has reserved in the budgets of this process."""
        reservation, record.reservation = record.reservation, None
        if reservation is not None and self._memory is not None:
            self._memory.settle(reservation, 0, 0, begun=False)

    def _listing(self, record: CallRecord, call: Call, action: Action) -> Listing | None:
        """Return the catalogue of the action's toolkit; None if it has none."""
        loaded = self._toolkits.of(action)
        if loaded.toolkit.catalogue is None:
            return None
        remaining = call.remaining()
        looking = Call(timeout=_TIMEOUT if remaining is None else max(0.001, min(_TIMEOUT, remaining)))
        read = partial(self._look_up, loaded.toolkit.catalogue, record.user_id, looking, record.account_id)
        return self._catalogues.get(loaded.toolkit.slug, read)


def _facts(record: CallRecord, call: Call, action: Action, arguments: dict[str, Any]) -> Facts:
    caller = call.caller
    session = caller.session_id or record.argument("session_id")
    return Facts(
        user=record.user_id,
        account=record.account_id or "",
        token=caller.token_id or "",
        agent=caller.agent or "",
        models=tuple(models_of(arguments)) if record.paid else (),
        action=action.slug,
        session=session if isinstance(session, str) else None,
        paid=record.paid,
    )


def _cost(record: CallRecord) -> Decimal | None:
    """Return what a call cost that was sent; None if nothing says it."""
    executed = record.executed
    if executed is None:
        return None
    cost = executed.cost
    if cost is not None or executed.successful:
        return cost
    return None if executed.action_error is None else failure_cost(executed.action_error)
