"""What a call would cost at most and about, before it is made, and which models could make it for less."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from ..models.listing import Listing
from ..models.needs import Needs, needs_of
from .estimates import MeasuredCall, models_of

_MAX_CHEAPER = 5


@dataclass(frozen=True, slots=True)
class ModelQuote:
    """What a call costs if one model answers it, in US dollars; None where that is unknown.

    Attributes:
        model: its id.
        most: the worst case, as budgets reserve it.
        about: a guess: four bytes of the prompt a token, and an answer of 500 tokens, or `max_tokens` if that is less.
    """

    model: str
    most: Decimal | None
    about: Decimal | None


@dataclass(frozen=True, slots=True)
class Quote:
    """What a call would cost.

    Attributes:
        action: the action's slug.
        most: US dollars at most, whichever of its models answers; None if nothing bounds it.
        about: US dollars about, if the first of its models answers; None if unknown.
        models: the same for each model that may answer.
        cheaper: up to five models that can do this very call for less, the cheapest first.
        problems: why a model can't do the call, by the catalogue; a sentence each.
    """

    action: str
    most: Decimal | None
    about: Decimal | None
    models: tuple[ModelQuote, ...] = ()
    cheaper: tuple[ModelQuote, ...] = ()
    problems: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: amounts are texts, so that they stay exact."""
        found: dict[str, Any] = _as_text(asdict(self))
        return found


def free_quote(action: str) -> Quote:
    """Return the quote for an action that costs no money."""
    return Quote(action, Decimal(0), Decimal(0))


def quote(action: str, arguments: Mapping[str, Any], listing: Listing, usable: Collection[str] | None = None) -> Quote:
    """Return what a call costs.

    Args:
        action: the action's slug.
        arguments: its arguments, valid.
        listing: the catalogue.
        usable: the ids of the models that the account may use; None if that is unknown.
    """
    measured, needs = MeasuredCall(arguments), needs_of(arguments)
    asked = list(dict.fromkeys(models_of(arguments)))
    quotes = [_quoted(model, measured, listing) for model in asked]
    known = [one.most for one in quotes if one.most is not None]
    most = max(known) if known and len(known) == len(quotes) else None
    others = (name for name in listing.models if name not in asked and (usable is None or name in usable))
    able = (_quoted(name, measured, listing) for name in others if needs.met_by(listing.models[name]))
    cheaper = [one for one in able if one.most is not None and (most is None or one.most < most)]
    return Quote(
        action,
        most,
        quotes[0].about if quotes else None,
        tuple(quotes),
        tuple(sorted(cheaper, key=lambda one: (one.most, one.model))[:_MAX_CHEAPER]),
        tuple(words for model in asked for words in _problems(model, needs, listing, usable)),
    )


def _quoted(model: str, measured: MeasuredCall, listing: Listing) -> ModelQuote:
    found = measured.estimate(model, listing.prices)
    if found is None:
        return ModelQuote(model, None, None)
    return ModelQuote(model, found.cost * measured.answers, found.about * measured.answers)


def _problems(model: str, needs: Needs, listing: Listing, usable: Collection[str] | None) -> Iterator[str]:
    """Say what a model can't do of what a call needs."""
    found = listing.models.get(model) or listing.models.get(model.partition(":")[0])
    if found is None:
        yield f"{model} is not in the catalogue"
        return
    if usable is not None and model not in usable:
        yield f"{model} can't be used with this account"
    for kind in sorted(needs.inputs - found.inputs):
        yield f"{model} takes no {kind} input"
    for kind in sorted(needs.outputs - found.outputs):
        yield f"{model} makes no {kind} output"
    for name in sorted(needs.parameters - found.parameters):
        yield f"{model} does not support {name}"
    if needs.tokens > found.context > 0:
        yield f"{model} takes {found.context:,} tokens, and this call has about {needs.tokens:,}"


def _as_text(value: Any) -> Any:
    """Return a value with its amounts as texts, so that they stay exact in JSON."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {name: _as_text(item) for name, item in value.items()}
    return [_as_text(item) for item in value] if isinstance(value, list | tuple) else value
