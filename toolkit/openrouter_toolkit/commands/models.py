"""`models`: search the catalogue by words and filters, sorted, as a table that fits the terminal or as JSON."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ..text.close_matches import close_matches
from . import catalogue, terminal
from .catalogue import Model, dollars
from .store import open_registry
from .terminal import CommandFailed, quote_input

# The abilities that a table shows, by the parameter that tells each.
_ABILITIES = {"tools": "tools", "reasoning": "reasoning", "structured_outputs": "json"}
_GAP = 2
_NUMBERS = ("context", "in", "out")
# The columns that every table has: the model's id and these.
_ALWAYS = 1 + len(_NUMBERS)


def models(options: argparse.Namespace) -> int:
    """List the models that pass all filters."""
    with open_registry() as registry:
        known = catalogue.fetch(registry, options.user_id)
    _check_names("modality", [*options.input, *options.output], [m for one in known for m in one.inputs + one.outputs])
    _check_names("parameter", options.supports, [name for one in known for name in one.parameters])
    found = [model for model in known if _fits(model, options)]
    if options.sort:
        found.sort(key=_SORTS[options.sort])
    if options.json:
        terminal.print_json([model.entry for model in found])
    elif found:
        _print_table(found)
    else:
        near = ", ".join(model.id for model in catalogue.near(known, " ".join(options.words)))
        hint = f"; close to it: {near}" if near else ""
        terminal.print_message(f"None of the {len(known)} models fits{hint}.")
    return 0


def _fits(model: Model, options: argparse.Namespace) -> bool:
    text = f"{model.id} {model.name}".lower()
    most = options.max_price
    return (
        all(word.lower() in text for word in options.words)
        and model.context >= (options.context or 0)
        and (most is None or _dearest(model) <= Decimal(str(most)))
        and (model.free or not options.free)
        and set(options.input) <= set(model.inputs)
        and set(options.output) <= set(model.outputs)
        and set(options.supports) <= set(model.parameters)
    )


def _dearest(model: Model) -> Decimal:
    """The higher of its two prices; infinite if one is unknown."""
    if model.input_price is None or model.output_price is None:
        return Decimal("Infinity")
    return max(model.input_price, model.output_price)


def _total(model: Model) -> Decimal:
    """Both prices together, to sort by; infinite if one is unknown."""
    if model.input_price is None or model.output_price is None:
        return Decimal("Infinity")
    return model.input_price + model.output_price


_SORTS: dict[str, Callable[[Model], Any]] = {
    "price": _total,
    "context": lambda model: -model.context,
    "name": lambda model: model.id.lower(),
    "newest": lambda model: -model.created,
}


def _check_names(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a name that no model has, since it may be a typo.

    Raises:
        CommandFailed: there is such a name.
    """
    names = sorted(set(known))
    for name in given:
        if names and name not in names:
            near = close_matches(name, names)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            shown = quote_input(name)
            raise CommandFailed(f"no model has {f'the {kind} {shown}' if shown else f'that {kind}'}; {hint}")


def _print_table(found: Sequence[Model]) -> None:
    """Print a row for each model, with as many columns as the terminal is wide."""
    from rich.table import Table

    console = terminal.console(piped_width=240)  # one line per model, for grep and sort
    rows = [_row(model) for model in found]
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    names = list(widths)
    while len(names) > _ALWAYS and sum(widths[name] + _GAP for name in names) > console.width:
        names.pop()
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for name in names:
        number = name in _NUMBERS
        table.add_column(name, no_wrap=number, overflow="fold", justify="right" if number else "left")
    for row in rows:
        table.add_row(*(terminal.text(row[name], "bold" if name == "model" else "") for name in names))
    console.print(table)
    if console.is_terminal:
        terminal.print_message(f"{len(found)} models; prices are US dollars per million tokens.")


def _row(model: Model) -> dict[str, str]:
    """The cells by column, the most important ones first."""
    since = datetime.fromtimestamp(model.created, UTC).date().isoformat() if 0 < model.created < 1e11 else ""
    return {
        "model": model.id,
        "context": f"{model.context:,}" if model.context else "",
        "in": _cell(model.input_price),
        "out": _cell(model.output_price),
        "can": " ".join(word for name, word in _ABILITIES.items() if name in model.parameters),
        "takes": " ".join(model.inputs),
        "gives": " ".join(model.outputs),
        "since": since,
        "name": model.name,
    }


def _cell(price: Decimal | None) -> str:
    return "varies" if price is None else "free" if price == 0 else dollars(price)
