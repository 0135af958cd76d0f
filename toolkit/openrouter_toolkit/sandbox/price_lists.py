"""Lists with prices in what tools answer, and which of their entries is the cheapest."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .errors import JsonObject

_DEEPEST = 8
_MEANING = re.compile(r"(\w+(?:, \w+)*): ([^.:]+)")
_LETTER = re.compile(r"\b([A-Za-z]) (\w+)")


@dataclass(frozen=True)
class _Offer:
    """An entry of a list; its price is in whatever unit the list has, the same for all of them."""

    id: str
    price: float
    abilities: frozenset[str]


def cheapest(results: Iterable[str], wish: str) -> str | None:
    """The id of the cheapest entry in the first result that has a list with prices; None when none has.

    Only entries count that have every ability ("tools", "reasoning", …) which the wish names and any entry has.
    Such a list is one of objects with `id` and `pricing`, or a table `{columns, legend, rows}` whose columns and
    cells are parted by a vertical bar. It may stand anywhere in the result, and be JSON text in JSON.
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
    """The words of a text in lower case and without a plural s."""
    return {word.removesuffix("s") for word in re.findall(r"[a-z]{2,}", text.lower())}


def _offers(value: Any, depth: int = _DEEPEST) -> Iterator[_Offer]:
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, dict):
        if isinstance(value.get("columns"), str) and isinstance(value.get("rows"), list):
            yield from _of_table(value)
            return
        if isinstance(value.get("id"), str) and isinstance(value.get("pricing"), dict):
            yield from _priced(value["id"], _token_prices(value["pricing"]), _listed_texts(value))
            return
        value = list(value.values())
    if isinstance(value, list) and depth:
        for part in value:
            yield from _offers(part, depth - 1)


def _parsed(text: str) -> Any:
    """What JSON text holds; nothing for other text."""
    try:
        return json.loads(text) if text.lstrip()[:1] in {"{", "["} else None
    except (ValueError, RecursionError):
        return None


def _of_table(table: JsonObject) -> Iterator[_Offer]:
    """The rows of a table. Its legend tells which columns are prices, and what single letters mean."""
    legend = str(table.get("legend", ""))
    meanings = {name: meaning for names, meaning in _MEANING.findall(legend) for name in names.split(", ")}
    prices = {name for name, meaning in meanings.items() if "dollar" in meaning}
    letters = dict(_LETTER.findall(legend))
    columns = table["columns"].split("|")
    for row in table["rows"]:
        cells = dict(zip(columns, str(row).split("|"), strict=False))
        marks = "".join(cell for name, cell in cells.items() if name not in {"id", *prices})
        abilities = [letters[mark] for mark in marks if mark in letters]
        yield from _priced(cells.get("id", ""), [cells.get(name) for name in prices], abilities)


def _token_prices(pricing: JsonObject) -> list[Any]:
    return [pricing.get("prompt"), pricing.get("completion")]


def _listed_texts(value: Any, *, listed: bool = False) -> list[str]:
    """Every text that stands in a list."""
    if isinstance(value, str):
        return [value] if listed else []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _listed_texts(part, listed=isinstance(value, list))]


def _priced(identity: str, prices: list[Any], abilities: list[str]) -> Iterator[_Offer]:
    """The offer, unless its price is not known or not fixed."""
    try:
        numbers = [float(price) for price in prices]
    except (OverflowError, TypeError, ValueError):
        return
    if identity and numbers and min(numbers) >= 0:
        yield _Offer(identity, sum(numbers), frozenset(abilities))
