"""Find the names that a misspelt parameter, value, slug or model id probably means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
# A caller may send any name, so the work per name is limited: longer names are not misspellings, and of many
# candidates only those that share the most letter pairs are compared in full.
_MAX_LENGTH = 100
_MAX_WORDS = 12
_MAX_CANDIDATES = 5_000
_MAX_COMPARED = 12
_MIN_SHARED_PAIRS = 0.3


def close_matches(name: str, candidates: Iterable[str], *, count: int = 1, closeness: float = 0.7) -> list[str]:
    """Up to `count` candidates that resemble the name, best first; ties keep the candidates' order.

    Names are compared word by word, without regard to case and separators, so that a forgotten word counts
    less than a wrong one: LIST_MODELS is close to LIST_AVAILABLE_MODELS, maxTokens to max_tokens. A word that
    the name shares with all candidates, such as a toolkit's prefix, is ignored.
    """
    if len(name) > _MAX_LENGTH:
        return []
    known = [candidate for candidate in islice(candidates, _MAX_CANDIDATES) if len(candidate) <= _MAX_LENGTH]
    common = frozenset(_words(name)).intersection(*map(_words, known)) if len(set(known)) > 2 else frozenset()
    scored = []
    for candidate in _preselect(name, known):
        score = 1.0 if candidate == name else _resemblance(_without(name, common), _without(candidate, common))
        if score >= closeness:
            scored.append((score, candidate))
    scored.sort(key=lambda pair: -pair[0])
    return [candidate for _, candidate in scored[:count]]


def _preselect(name: str, candidates: Sequence[str]) -> list[str]:
    """The few candidates that share the most letter pairs with the name, in their original order."""
    own = _letter_pairs(name)
    shares: list[tuple[float, int]] = []
    for index, candidate in enumerate(candidates):
        other = _letter_pairs(candidate)
        shared = len(own & other)
        share = shared / len(own) + shared / len(other)
        if share >= _MIN_SHARED_PAIRS:
            shares.append((-share, index))
    return [candidates[index] for index in sorted(index for _, index in sorted(shares)[:_MAX_COMPARED])]


@lru_cache(maxsize=8_192)
def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(name)[:_MAX_WORDS]) or (name.lower(),)


@lru_cache(maxsize=8_192)
def _letter_pairs(name: str) -> frozenset[str]:
    """The pairs of adjacent letters, and the first letter, so that a name of one letter has an entry."""
    letters = "".join(_words(name))
    return frozenset(letters[index : index + 2] for index in range(len(letters) - 1)) | {letters[:1]}


def _without(name: str, common: frozenset[str]) -> list[str]:
    return [word for word in _words(name) if word not in common]


def _resemblance(given: list[str], candidate: list[str]) -> float:
    """Similarity from 0 to 1: of the given words to the candidate's words, and of both names as a whole."""
    if not given or not candidate:
        return 0.0
    by_word = sum(max(_similarity(word, other) for other in candidate) for word in given) / len(given)
    joined = _similarity("".join(given), "".join(candidate))
    if by_word == 1.0:  # every word occurs: missing words between them do not matter
        return 0.95 if given != candidate else 1.0
    return min(0.94, max(joined, 0.5 * by_word + 0.4 * joined))


@lru_cache(maxsize=8_192)
def _similarity(one: str, other: str) -> float:
    from difflib import SequenceMatcher

    return 1.0 if one == other else SequenceMatcher(None, one, other, autojunk=False).ratio()
