"""Finds lists with prices in tool results, and their cheapest entry."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .errors import JsonObject

_MAX_DEPTH = 8
_COLUMN_MEANING = re.compile(r"(\w+(?:, \w+)*): ([^.:]+)")
_LETTER_MEANING = re.compile(r"\b([A-Za-z]) (\w+)")


@dataclass(frozen=True)
class _Offer:
    """An entry of a list. The price is in the list's unit, which is the same for all entries."""

    id: str
    price: float
    abilities: frozenset[str]


def cheapest(results: Iterable[str], wish: str) -> str | None:
    """The id of the cheapest entry in the first result that contains a list with prices; None if none does.

    If the wish names abilities that any entry has ("tools", "reasoning", …), only entries with all of them count.
    A list with prices is a list of objects with `id` and `pricing`, or a table `{columns, legend, rows}` with a
    vertical bar between columns and cells. It may be anywhere in the result, also as JSON text within JSON.
    """
    words = _words(wish)
    for result in results:
        offers = list(_offers(result))
        wanted = {ability for offer in offers for ability in offer.abilities if _words(ability) <= words}
        able = [offer for offer in offers if wanted <= offer.abilities]
        if able:
            return min(able, key=lambda offer: offer.price).id
    return None


def _words(text: str) -> set[str]:
    """The words of a text in lower case, without a plural s."""
    return {word.removesuffix("s") for word in re.findall(r"[a-z]{2,}", text.lower())}


def _offers(value: Any, depth: int = _MAX_DEPTH) -> Iterator[_Offer]:
    if isinstance(value, str):
        value = _parse_json(value)
    if isinstance(value, dict):
        if isinstance(value.get("columns"), str) and isinstance(value.get("rows"), list):
            yield from _table_offers(value)
            return
        if isinstance(value.get("id"), str) and isinstance(value.get("pricing"), dict):
            yield from _offer(value["id"], _token_prices(value["pricing"]), _texts_in_lists(value))
            return
        value = list(value.values())
    if isinstance(value, list) and depth:
        for part in value:
            yield from _offers(part, depth - 1)


def _parse_json(text: str) -> Any:
    """The value of JSON text; None for other text."""
    try:
        return json.loads(text) if text.lstrip()[:1] in {"{", "["} else None
    except (ValueError, RecursionError):
        return None


def _table_offers(table: JsonObject) -> Iterator[_Offer]:
    """The offers of a table. Its legend says which columns are prices, and what single letters mean."""
    legend = str(table.get("legend", ""))
    meanings = {name: meaning for names, meaning in _COLUMN_MEANING.findall(legend) for name in names.split(", ")}
    prices = {name for name, meaning in meanings.items() if "dollar" in meaning}
    letters = dict(_LETTER_MEANING.findall(legend))
    columns = table["columns"].split("|")
    for row in table["rows"]:
        cells = dict(zip(columns, str(row).split("|"), strict=False))
        marks = "".join(cell for name, cell in cells.items() if name not in {"id", *prices})
        abilities = [letters[mark] for mark in marks if mark in letters]
        yield from _offer(cells.get("id", ""), [cells.get(name) for name in prices], abilities)


def _token_prices(pricing: JsonObject) -> list[Any]:
    return [pricing.get("prompt"), pricing.get("completion")]


def _texts_in_lists(value: Any, *, listed: bool = False) -> list[str]:
    """All texts that are items of a list."""
    if isinstance(value, str):
        return [value] if listed else []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts_in_lists(part, listed=isinstance(value, list))]


def _offer(identity: str, prices: list[Any], abilities: list[str]) -> Iterator[_Offer]:
    """The offer, or nothing if its price is unknown or not fixed."""
    try:
        numbers = [float(price) for price in prices]
    except (OverflowError, TypeError, ValueError):
        return
    if identity and numbers and min(numbers) >= 0:
        yield _Offer(identity, sum(numbers), frozenset(abilities))
