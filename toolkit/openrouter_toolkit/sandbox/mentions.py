"""Extracts content words, names, quotations and numbers from a text."""

import re
from dataclasses import dataclass
from typing import TypeVar

_Item = TypeVar("_Item")

# Stop words, with the verbs with which half of all tool names begin.
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about an and any are as at be by call can could current currently do does fetch find for from get
        give has have hello hi how i if in into is it its list look make me my of on one or our please
        return see set should show tell that the their them then there these they this to today tool up use
        using want was we what whats when where which who will with would you your
        """,
    )
)

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
_QUOTED = re.compile(r"[\"“«`]([^\"”»`]+)[\"”»`]|(?<!\w)'([^']+)'(?!\w)")
_NAME = re.compile(r"(?<![\w'])[A-Z][\w-]*(?:\s+[A-Z][\w-]*)*")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.!?:]\s))\s*[A-Z][\w'-]*")
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_THEN = re.compile(r"[,;.?!]\s+(?:and\s+)?then,?\s+", re.IGNORECASE)
_ASK = re.compile(r"\bask\b.{0,80}?(:\s+)(?=\S)", re.IGNORECASE)


@dataclass(frozen=True)
class Step:
    """One step that a text asks for: `words` describe it, `question` is a question for another model ("ask it: …")."""

    words: str
    question: str = ""


def steps(text: str) -> list[Step]:
    """The steps of a text, split at every ", then"."""
    parts = [part.strip() for part in _THEN.split(text)]
    return [_step(part) for part in parts if part]


def _step(text: str) -> Step:
    match = _ASK.search(text)
    return Step(text) if match is None else Step(text[: match.start(1)], text[match.end() :])


def content_words(text: str) -> list[str]:
    """The words of a text without stop words, in lower case and without a plural s, in order."""
    words = re.findall(r"[a-z]{2,}", _CAMEL_CASE.sub(" ", text).replace("'", "").lower())
    return [word.removesuffix("s") for word in words if word not in _STOP_WORDS]


class Mentions:
    """Returns what a text mentions, in order; the last item again when none are left."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = frozenset(content_words(text))
        self._numbers = [float(number) for number in _NUMBER.findall(text)]
        quoted: list[str] = [double or single for double, single in _QUOTED.findall(text)]
        capitalised: list[str] = _NAME.findall(_SENTENCE_START.sub("", text))
        self._names = quoted or [name for name in capitalised if content_words(name)]
        self._last_word = _last_word(text)

    def mentions(self, value: object) -> bool:
        """Whether the text contains the value as a separate word."""
        return re.search(rf"(?<!\w){re.escape(str(value))}(?!\w)", self.text, re.IGNORECASE) is not None

    def next_number(self, default: float) -> float:
        """The next number, or the default if the text has none."""
        return _take(self._numbers, default)

    def next_name(self) -> str:
        """The next quotation or capitalised name, or else the last content word."""
        return _take(self._names, self._last_word)


def _take(items: list[_Item], default: _Item) -> _Item:
    if len(items) > 1:
        return items.pop(0)
    return items[0] if items else default


def _last_word(text: str) -> str:
    words: list[str] = re.findall(r"[^\W\d_][\w'-]*", text)
    content = [word for word in words if word.lower() not in _STOP_WORDS]
    return content[-1] if content else text.strip()[:60] or "example"
