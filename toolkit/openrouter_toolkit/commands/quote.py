"""`quote`: what a call would cost at most and about, and which models can make it for less; nothing is sent."""

from __future__ import annotations

import argparse
from decimal import Decimal
from typing import TYPE_CHECKING

from ..envelope import ActionError
from . import terminal
from .action_arguments import merged, read_arguments, read_parameters
from .actions import find
from .catalogue import dollars
from .store import open_registry
from .terminal import CommandFailed

if TYPE_CHECKING:
    from ..spending import ModelQuote


def quote(options: argparse.Namespace) -> int:
    """Print what the call would cost. Returns 1 if a model that it names can't do it."""
    given = read_arguments(options.arguments)
    with open_registry(options.manifest, named=options.slug) as registry:
        given = merged(given, read_parameters(options.parameters, find(registry, options.slug)))
        try:
            found = registry.quote(options.slug, given, user_id=options.user_id)
        except ActionError as error:
            raise CommandFailed(error.explanation) from None
    if options.json:
        terminal.print_json(found.to_dict())
    else:
        for problem in found.problems:
            terminal.print_message(f"{problem}.")
        rows = [_row(one, "asked for") for one in found.models]
        rows += [_row(one, "can do it for less") for one in found.cheaper]
        if rows:
            terminal.print_table(rows)
        else:
            terminal.print_line(f"{found.action} costs {_amount(found.most)}.")
    return 1 if found.problems else 0


def _row(found: ModelQuote, why: str) -> dict[str, str]:
    return {"model": found.model, "at most": _amount(found.most), "about": _amount(found.about), "": why}


def _amount(amount: Decimal | None) -> str:
    if amount is None:
        return "unknown"
    return "nothing" if amount == 0 else dollars(amount)
