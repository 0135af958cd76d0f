"""The name that was probably meant: for misspelt parameters, values, slugs and model ids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_LONGEST = 200


def nearest(name: str, candidates: Iterable[str], *, count: int = 1, closeness: float = 0.66) -> list[str]:
    """Up to `count` candidates that resemble the name, best first; ties keep the candidates' order.

    Names are compared word by word, without regard to case and separators, so that a forgotten word weighs
    less than a wrong one: LIST_MODELS is close to LIST_AVAILABLE_MODELS, maxTokens to max_tokens.
    """
    words = _words(name[:_LONGEST])
    scored = [(_closeness(words, _words(candidate)), candidate) for candidate in candidates]
    scored = [pair for pair in scored if pair[0] >= closeness]
    scored.sort(key=lambda pair: -pair[0])
    return [candidate for _, candidate in scored[:count]]


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(name)] or [name.lower()]


def _closeness(given: list[str], candidate: list[str]) -> float:
    """How well the given words are found in the candidate (most of it), and the whole in the whole."""
    found = sum(max(_alike(word, other) for other in candidate) for word in given) / len(given)
    whole = _alike("".join(given), "".join(candidate))
    if found == 1.0:  # every word is there: what is missing between them decides nothing
        return 0.95 if given != candidate else 1.0
    return min(0.94, max(whole, 0.5 * found + 0.4 * whole))


def _alike(one: str, other: str) -> float:
    return 1.0 if one == other else SequenceMatcher(None, one, other, autojunk=False).ratio()
