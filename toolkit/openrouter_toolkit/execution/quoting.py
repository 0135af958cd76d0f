"""Says what a call would cost, by the toolkit's catalogue."""

from __future__ import annotations

from typing import Any

from ..call import Call
from ..manifest import Toolkits
from ..spending import Listing, Quote, free_quote
from ..spending import quote as quote_by
from ..validation.arguments import as_object
from .pipeline import Execution


def quote(
    execution: Execution,
    toolkits: Toolkits,
    slug: str,
    arguments: Any,
    *,
    user_id: str,
    account_id: str | None,
    call: Call,
) -> Quote:
    """Return what a call would cost, see `ToolRegistry.quote`.

    Raises:
        ActionError: there is no such action, it is not allowed, or its arguments are invalid; or the catalogue can't be
            read.
    """
    action = execution.check_allowed(slug)
    given = as_object(action.slug, arguments)
    action.validator.check(action.slug, given, call.check)
    if not action.definition.annotations.costsMoney:
        return free_quote(action.slug)
    catalogue = toolkits.of(action).toolkit.catalogue
    if catalogue is None:
        return quote_by(action.slug, given, Listing({}, {}))
    return quote_by(action.slug, given, Listing.read(execution.look_up(catalogue, user_id, call, account_id)))
