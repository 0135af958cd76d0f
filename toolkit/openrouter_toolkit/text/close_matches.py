"""The name that was probably meant: for misspelt parameters, values, slugs and model ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import islice

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
# Anybody may send any name, so the work for one is bounded: longer names are no misspellings, and of many
# candidates only those that share the most pairs of letters are compared in full.
_LONGEST = 100
_MOST_WORDS = 12
_MOST_CANDIDATES = 5_000
_COMPARED = 12
_SHARED_PAIRS = 0.3


def close_matches(name: str, candidates: Iterable[str], *, count: int = 1, closeness: float = 0.7) -> list[str]:
    """Up to `count` candidates that resemble the name, best first; ties keep the candidates' order.

    Names are compared word by word, without regard to case and separators, so that a forgotten word weighs
    less than a wrong one: LIST_MODELS is close to LIST_AVAILABLE_MODELS, maxTokens to max_tokens. A word that
    the name has in common with all candidates, such as a toolkit's prefix, makes it like none of them.
    """
    if len(name) > _LONGEST:
        return []
    known = [candidate for candidate in islice(candidates, _MOST_CANDIDATES) if len(candidate) <= _LONGEST]
    everywhere = frozenset(_words(name)).intersection(*map(_words, known)) if len(set(known)) > 2 else frozenset()
    scored = []
    for candidate in _promising(name, known):
        score = 1.0 if candidate == name else _closeness(_without(name, everywhere), _without(candidate, everywhere))
        if score >= closeness:
            scored.append((score, candidate))
    scored.sort(key=lambda pair: -pair[0])
    return [candidate for _, candidate in scored[:count]]


def _promising(name: str, candidates: Sequence[str]) -> list[str]:
    """The few candidates that share the most pairs of letters with the name, in the order that they have."""
    own = _pairs(name)
    shares: list[tuple[float, int]] = []
    for at, candidate in enumerate(candidates):
        other = _pairs(candidate)
        shared = len(own & other)
        share = shared / len(own) + shared / len(other)
        if share >= _SHARED_PAIRS:
            shares.append((-share, at))
    return [candidates[at] for at in sorted(at for _, at in sorted(shares)[:_COMPARED])]


@lru_cache(maxsize=8_192)
def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(name)[:_MOST_WORDS]) or (name.lower(),)


@lru_cache(maxsize=8_192)
def _pairs(name: str) -> frozenset[str]:
    """The pairs of neighbouring letters, and the first letter, which alone stands for a very short name."""
    letters = "".join(_words(name))
    return frozenset(letters[at : at + 2] for at in range(len(letters) - 1)) | {letters[:1]}


def _without(name: str, everywhere: frozenset[str]) -> list[str]:
    return [word for word in _words(name) if word not in everywhere]


def _closeness(given: list[str], candidate: list[str]) -> float:
    """How well the given words are found in the candidate (most of it), and the whole in the whole."""
    if not given or not candidate:
        return 0.0
    found = sum(max(_alike(word, other) for other in candidate) for word in given) / len(given)
    whole = _alike("".join(given), "".join(candidate))
    if found == 1.0:  # every word is there: what is missing between them decides nothing
        return 0.95 if given != candidate else 1.0
    return min(0.94, max(whole, 0.5 * found + 0.4 * whole))


@lru_cache(maxsize=8_192)
def _alike(one: str, other: str) -> float:
    return 1.0 if one == other else SequenceMatcher(None, one, other, autojunk=False).ratio()
