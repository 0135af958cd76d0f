"""A stream's events on their way to a listener, without the account's keys, also where one comes in pieces.

An event is handed on at once, and as it is, unless one of its texts ends like the beginning of a key. Then it waits,
and what comes after it, until its text has gone on: differently, and all of them are handed on untouched; as a key, and
the key is taken out of the texts and of `raw`.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...call import Listener
from ...envelope import as_json
from ...text.redaction import holds_secret, longest_first, redact, redact_thoroughly, without_escapes
from .events import StreamEvent

# The fields of an event whose texts come in pieces.
_IN_PIECES = frozenset(
    (
        *("content", "text", "reasoning", "reasoning_content", "refusal", "thinking", "summary", "data"),
        *("arguments", "partial_json", "transcript"),
    )
)
# Fewer characters of a key than these tell nothing: nobody has to wait for them while other things arrive.
_TELLING = 6
# The end of a text that may go on as an escape, which JSON inside of a text may write a key with.
_BEGUN_ESCAPE = re.compile(r"(?<!\\)\\+(?:u[0-9a-fA-F]{0,3})?$")
_DEEPEST = 10  # levels of nesting in an event; more than any text in pieces stands in

Path = tuple[Hashable, ...]


@dataclass(slots=True, eq=False)
class _Held:
    """What one event of the stream told.

    Attributes:
        foul: whether a key stands in it in one piece, in a text or elsewhere.
        open: how many of its texts are undecided.
        texts: those that are changed.
    """

    events: Sequence[StreamEvent]
    foul: bool
    open: int = 0
    texts: dict[Path, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Run:
    """A text that comes in pieces: its end that may begin a key, and the events that wait for what comes next.

    Attributes:
        shown: what of the end was handed on already, because it tells nothing.
    """

    tail: str = ""
    preview: str = ""
    pieces: list[tuple[_Held, str]] = field(default_factory=list)


class StreamRedactor:
    """Hands events on to a listener; `end` has to be called when nothing comes any more."""

    def __init__(self, listener: Listener, secrets: Collection[str]) -> None:
        self._listener = listener
        self._secrets = longest_first(secrets)
        self._longest = max(map(len, self._secrets), default=0)
        self._suspicious = _suspicious(self._secrets)
        self._runs: dict[Path, _Run] = {}
        self._waiting: deque[_Held] = deque()

    def hand_on(self, events: Sequence[StreamEvent], data: str) -> None:
        """Take what one event of the stream told, and hand on what can be; `data` is its JSON text."""
        foul = holds_secret(data, self._secrets)
        if not (self._runs or foul or "\\" in data or self._suspicious.search(data)):
            for event in events:
                self._listener(event)
            return
        if "\\u" in data and events:
            foul = foul or holds_secret(as_json(events[0].raw), self._secrets)
        held = _Held(events, foul)
        self._waiting.append(held)
        texts: dict[Path, str] = {}
        for path, text in _texts(events):
            texts[path] = texts.get(path, "") + text
        for path, text in texts.items():
            self._go_on(path, text, held)
        for path, run in list(self._runs.items()):
            if run.pieces and path not in texts and len(run.tail) < _TELLING and _touches(events, path):
                self._decide(path, run, redact)
                self._runs[path] = _Run(run.tail, preview=run.tail)
        self._hand_on_decided()

    def end(self, *, failed: bool = False) -> None:
        """Hand on what still waits. Where the stream failed, long beginnings of a key are taken out as well."""
        for path, run in list(self._runs.items()):
            self._decide(path, run, redact_thoroughly if failed else redact)
        self._hand_on_decided()

    def _go_on(self, path: Path, text: str, held: _Held) -> None:
        run = self._runs.get(path)
        before = "" if run is None else run.tail
        tail = self._tail(before + text)
        if run is None:
            if not tail and not holds_secret(text, self._secrets):
                return
            run = self._runs[path] = _Run()
        run.tail = tail
        run.pieces.append((held, text))
        held.open += 1
        if not tail:
            self._decide(path, run, redact)

    def _tail(self, text: str) -> str:
        """The longest end of a text that is the beginning of a secret, and not all of it; also one with escapes."""
        begun = ""
        if not self._secrets:
            return ""
        if "\\" in text:
            text = without_escapes(text)
            found = _BEGUN_ESCAPE.search(text)
            begun = found[0] if found else ""
            text = text.removesuffix(begun)
        return self._plain_tail(text[1 - self._longest :]) + begun

    def _plain_tail(self, text: str) -> str:
        longest = ""
        for secret in self._secrets:
            start = text.find(secret[0], max(0, len(text) - len(secret) + 1))
            while start >= 0 and not secret.startswith(text[start:]):
                start = text.find(secret[0], start + 1)
            if start >= 0 and len(text) - start > len(longest):
                longest = text[start:]
        return longest

    def _decide(self, path: Path, run: _Run, clean: Callable[[str, Collection[str]], str]) -> None:
        """The text has gone on, or ended: the first of its pieces gets what is left of all, if a key was in them."""
        del self._runs[path]
        whole = run.preview + "".join(text for _, text in run.pieces)
        cleaned = clean(whole, self._secrets)
        for number, (held, _) in enumerate(run.pieces):
            held.open -= 1
            if cleaned != whole:
                held.texts[path] = "" if number else cleaned.removeprefix(run.preview)

    def _hand_on_decided(self) -> None:
        try:
            while self._waiting and not self._waiting[0].open:
                for event in self._changed(self._waiting.popleft()):
                    self._listener(event)
        except BaseException:  # whoever raised listens no more
            self._waiting.clear()
            self._runs.clear()
            raise

    def _changed(self, held: _Held) -> Iterable[StreamEvent]:
        """The events as they are handed on."""
        if not held.texts and not held.foul:
            return held.events
        raw = _rewritten(held.events[0].raw, (), _DEEPEST, held.texts) if held.events else {}
        raw = self._clean(raw) if held.foul else raw
        return [
            replace(
                event,
                text=_taken(held.texts, _path_of(event), event.text),
                tool_call=self._clean(event.tool_call) if held.foul else event.tool_call,
                raw=raw,
            )
            for event in held.events
        ]

    def _clean(self, value: Any) -> Any:
        """A value of JSON without the keys that stand in one piece in it."""
        return json.loads(redact(as_json(value), self._secrets))


def _suspicious(secrets: Sequence[str]) -> re.Pattern[str]:
    """What JSON text has in it wherever a value ends like the beginning of a secret; more often than that, but rarely.

    Values that are written with escapes are not found.
    """
    if not secrets:
        return re.compile("(?!)")
    firsts = "".join(sorted({secret[0] for secret in secrets}))
    others = "".join(sorted(set("".join(secrets))))
    longest = max(map(len, secrets))
    return re.compile(rf'[{re.escape(firsts)}][{re.escape(others)}]{{0,{longest}}}"(?!\s*:)')


def _texts(events: Sequence[StreamEvent]) -> Iterator[tuple[Path, str]]:
    """The texts of events that belong together, and those of their JSON object, each with what it goes on from."""
    for event in events:
        if event.text:
            yield _path_of(event), event.text
    if events:
        yield from _leaves(events[0].raw, (), _DEEPEST)


def _path_of(event: StreamEvent) -> Path:
    return (event.index, event.kind, None if event.tool_call is None else event.tool_call.get("index"), StreamEvent)


def _leaves(value: Any, path: Path, deep: int) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict) and deep:
        inner = _inside(value, path)
        for name, part in value.items():
            if isinstance(part, str):
                if part and name in _IN_PIECES:
                    yield (*inner, name), part
            elif name != "logprobs":
                yield from _leaves(part, inner, deep - 1)
    elif isinstance(value, list) and deep:
        for number, part in enumerate(value):
            yield from _leaves(part, path if _has_index(part) else (*path, number), deep - 1)


def _rewritten(value: Any, path: Path, deep: int, texts: dict[Path, str]) -> Any:
    """The JSON object with other texts; without logprobs, which repeat the texts in pieces of their own."""
    if isinstance(value, dict) and deep:
        inner = _inside(value, path)
        parts: dict[str, Any] = {}
        for name, part in value.items():
            if isinstance(part, str):
                parts[name] = _taken(texts, (*inner, name), part)
            else:
                parts[name] = None if name == "logprobs" else _rewritten(part, inner, deep - 1, texts)
        return parts
    if isinstance(value, list) and deep:
        return [
            _rewritten(part, path if _has_index(part) else (*path, number), deep - 1, texts)
            for number, part in enumerate(value)
        ]
    return value


def _taken(texts: dict[Path, str], path: Path, text: str) -> str:
    """The changed text, for the first that asks; where nothing was changed, the text."""
    if path not in texts:
        return text
    changed, texts[path] = texts[path], ""
    return changed


def _inside(value: dict[str, Any], path: Path) -> Path:
    return (*path, value["index"]) if _has_index(value) else path


def _has_index(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("index"), int)


def _touches(events: Sequence[StreamEvent], path: Path) -> bool:
    """Whether events tell something of the choice, or block, that a text belongs to."""
    return any(event.index == path[0] for event in events)
