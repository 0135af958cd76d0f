"""Remove the account's keys from a stream's events, also if a key is split over several events.

An event is forwarded at once and unchanged, unless one of its texts ends with the prefix of a key. Then it and all
later events are held back until that text continues: if not as a key, they are forwarded unchanged; if as a key, the
key is removed from the texts and from `raw`.
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

# The fields of an event whose texts are streamed in pieces.
_STREAMED_FIELDS = frozenset(
    (
        *("content", "text", "reasoning", "reasoning_content", "refusal", "thinking", "summary", "data"),
        *("arguments", "partial_json", "transcript"),
    )
)
# A shorter prefix of a key reveals nothing: it is not held back while other content arrives.
_MIN_REVEALING = 6
# The incomplete escape at the end of a text; JSON in a text may spell a key with escapes.
_INCOMPLETE_ESCAPE = re.compile(r"(?<!\\)\\+(?:u[0-9a-fA-F]{0,3})?$")
_MAX_DEPTH = 10  # levels of nesting in an event; streamed texts are never deeper

Path = tuple[Hashable, ...]


@dataclass(slots=True, eq=False)
class _HeldEvents:
    """The listener's events of one stream event, held back.

    Attributes:
        has_key: whether it contains a complete key, in a text or elsewhere.
        undecided: the number of its texts that may still continue as a key.
        texts: its redacted texts, by path.
    """

    events: Sequence[StreamEvent]
    has_key: bool
    undecided: int = 0
    texts: dict[Path, str] = field(default_factory=dict)


@dataclass(slots=True)
class _StreamedText:
    """A text that is streamed in pieces, and the events that are held back because of it.

    Attributes:
        tail: the end of the text that may be the prefix of a key.
        sent: the part of the tail that was forwarded already, because it reveals nothing.
        pieces: the events that are held back, each with its piece of the text.
    """

    tail: str = ""
    sent: str = ""
    pieces: list[tuple[_HeldEvents, str]] = field(default_factory=list)


class StreamRedactor:
    """Forwards events to a listener without the keys; call `end` after the last event."""

    def __init__(self, listener: Listener, secrets: Collection[str]) -> None:
        self._listener = listener
        self._secrets = longest_first(secrets)
        self._max_secret = max(map(len, self._secrets), default=0)
        self._prefix_pattern = _prefix_pattern(self._secrets)
        self._streamed: dict[Path, _StreamedText] = {}
        self._held: deque[_HeldEvents] = deque()

    def forward(self, events: Sequence[StreamEvent], data: str) -> None:
        """Take the listener's events of one stream event, and forward what is decided; `data` is its JSON text."""
        has_key = holds_secret(data, self._secrets)
        if not (self._streamed or has_key or "\\" in data or self._prefix_pattern.search(data)):
            for event in events:
                self._listener(event)
            return
        if "\\u" in data and events:
            has_key = has_key or holds_secret(as_json(events[0].raw), self._secrets)
        held = _HeldEvents(events, has_key)
        self._held.append(held)
        texts: dict[Path, str] = {}
        for path, text in _texts(events):
            texts[path] = texts.get(path, "") + text
        for path, text in texts.items():
            self._append(path, text, held)
        for path, state in list(self._streamed.items()):
            if state.pieces and path not in texts and len(state.tail) < _MIN_REVEALING and _same_choice(events, path):
                self._redact_text(path, state, redact)
                self._streamed[path] = _StreamedText(state.tail, sent=state.tail)
        self._forward_decided()

    def end(self, *, failed: bool = False) -> None:
        """Forward all held back events. If the stream failed, long prefixes of a key are redacted too."""
        for path, state in list(self._streamed.items()):
            self._redact_text(path, state, redact_thoroughly if failed else redact)
        self._forward_decided()

    def _append(self, path: Path, text: str, held: _HeldEvents) -> None:
        state = self._streamed.get(path)
        before = "" if state is None else state.tail
        tail = self._tail(before + text)
        if state is None:
            if not tail and not holds_secret(text, self._secrets):
                return
            state = self._streamed[path] = _StreamedText()
        state.tail = tail
        state.pieces.append((held, text))
        held.undecided += 1
        if not tail:
            self._redact_text(path, state, redact)

    def _tail(self, text: str) -> str:
        """The longest end of a text that is an incomplete prefix of a secret, also with escapes."""
        incomplete_escape = ""
        if not self._secrets:
            return ""
        if "\\" in text:
            text = without_escapes(text)
            match = _INCOMPLETE_ESCAPE.search(text)
            incomplete_escape = match[0] if match else ""
            text = text.removesuffix(incomplete_escape)
        return self._plain_tail(text[1 - self._max_secret :]) + incomplete_escape

    def _plain_tail(self, text: str) -> str:
        longest = ""
        for secret in self._secrets:
            start = text.find(secret[0], max(0, len(text) - len(secret) + 1))
            while start >= 0 and not secret.startswith(text[start:]):
                start = text.find(secret[0], start + 1)
            if start >= 0 and len(text) - start > len(longest):
                longest = text[start:]
        return longest

    def _redact_text(self, path: Path, state: _StreamedText, clean: Callable[[str, Collection[str]], str]) -> None:
        """Redact a text that continued or ended: if it contains a key, its first event gets all the redacted text."""
        del self._streamed[path]
        original = state.sent + "".join(text for _, text in state.pieces)
        redacted = clean(original, self._secrets)
        for number, (held, _) in enumerate(state.pieces):
            held.undecided -= 1
            if redacted != original:
                held.texts[path] = "" if number else redacted.removeprefix(state.sent)

    def _forward_decided(self) -> None:
        try:
            while self._held and not self._held[0].undecided:
                for event in self._redacted(self._held.popleft()):
                    self._listener(event)
        except BaseException:  # after an exception, the listener gets nothing more
            self._held.clear()
            self._streamed.clear()
            raise

    def _redacted(self, held: _HeldEvents) -> Iterable[StreamEvent]:
        """The events as they are forwarded."""
        if not held.texts and not held.has_key:
            return held.events
        raw = _replace_texts(held.events[0].raw, (), _MAX_DEPTH, held.texts) if held.events else {}
        raw = self._redact_value(raw) if held.has_key else raw
        return [
            replace(
                event,
                text=_take_text(held.texts, _path_of(event), event.text),
                tool_call=self._redact_value(event.tool_call) if held.has_key else event.tool_call,
                raw=raw,
            )
            for event in held.events
        ]

    def _redact_value(self, value: Any) -> Any:
        """A JSON value without the complete keys in it."""
        return json.loads(redact(as_json(value), self._secrets))


def _prefix_pattern(secrets: Sequence[str]) -> re.Pattern[str]:
    """A pattern that finds every JSON value that ends with the prefix of a secret, and few others.

    Values with escapes are not found.
    """
    if not secrets:
        return re.compile("(?!)")
    firsts = "".join(sorted({secret[0] for secret in secrets}))
    others = "".join(sorted(set("".join(secrets))))
    longest = max(map(len, secrets))
    return re.compile(rf'[{re.escape(firsts)}][{re.escape(others)}]{{0,{longest}}}"(?!\s*:)')


def _texts(events: Sequence[StreamEvent]) -> Iterator[tuple[Path, str]]:
    """The texts of the events, and those in their JSON object, each with the path that identifies the streamed text."""
    for event in events:
        if event.text:
            yield _path_of(event), event.text
    if events:
        yield from _texts_in(events[0].raw, (), _MAX_DEPTH)


def _path_of(event: StreamEvent) -> Path:
    return (event.index, event.kind, None if event.tool_call is None else event.tool_call.get("index"), StreamEvent)


def _texts_in(value: Any, path: Path, depth: int) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict) and depth:
        inner = _child_path(value, path)
        for name, part in value.items():
            if isinstance(part, str):
                if part and name in _STREAMED_FIELDS:
                    yield (*inner, name), part
            elif name != "logprobs":
                yield from _texts_in(part, inner, depth - 1)
    elif isinstance(value, list) and depth:
        for number, part in enumerate(value):
            yield from _texts_in(part, path if _has_index(part) else (*path, number), depth - 1)


def _replace_texts(value: Any, path: Path, depth: int, texts: dict[Path, str]) -> Any:
    """The JSON object with the redacted texts; without logprobs, which repeat the texts as tokens."""
    if isinstance(value, dict) and depth:
        inner = _child_path(value, path)
        parts: dict[str, Any] = {}
        for name, part in value.items():
            if isinstance(part, str):
                parts[name] = _take_text(texts, (*inner, name), part)
            else:
                parts[name] = None if name == "logprobs" else _replace_texts(part, inner, depth - 1, texts)
        return parts
    if isinstance(value, list) and depth:
        return [
            _replace_texts(part, path if _has_index(part) else (*path, number), depth - 1, texts)
            for number, part in enumerate(value)
        ]
    return value


def _take_text(texts: dict[Path, str], path: Path, text: str) -> str:
    """The redacted text at the first call for a path, then an empty one; `text` if the path is not redacted."""
    if path not in texts:
        return text
    changed, texts[path] = texts[path], ""
    return changed


def _child_path(value: dict[str, Any], path: Path) -> Path:
    return (*path, value["index"]) if _has_index(value) else path


def _has_index(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("index"), int)


def _same_choice(events: Sequence[StreamEvent], path: Path) -> bool:
    """Whether an event belongs to the same choice, or block, as a text."""
    return any(event.index == path[0] for event in events)
