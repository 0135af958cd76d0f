"""Remove the account's keys from a stream's events, also if a key is split over several events.

An event is forwarded at once and unchanged, unless one of its texts ends with the prefix of a key. Then it and all
later events are held back until such texts continue: if not as a key, all are forwarded unchanged; if as a key, the
first event with a piece of it gets the whole text, redacted, and the others get none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import replace
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
_Held = tuple[Sequence[StreamEvent], dict[Path, str], bool]  # events, their texts by path, whether they hold a key


class StreamRedactor:
    """Forwards events to a listener without the keys; call `end` after the last event."""

    def __init__(self, listener: Listener, secrets: Collection[str]) -> None:
        self._listener = listener
        self._secrets = longest_first(secrets)
        self._prefixes = "".join(f"\n{secret[:-1]}" for secret in self._secrets)
        self._longest = max(map(len, self._secrets), default=1)
        self._suspicious = _prefix_at_end(self._secrets)
        self._held: list[_Held] = []
        self._tails: dict[Path, str] = {}  # the end of each text that may be the prefix of a key
        self._forwarded: dict[Path, str] = {}  # the tails that were forwarded, because they reveal nothing
        self._waiting: set[Path] = set()  # the texts for which events are held back

    def forward(self, events: Sequence[StreamEvent], data: str) -> None:
        """Take the listener's events of one stream event, and forward what is decided; `data` is its JSON text."""
        has_key = holds_secret(data, self._secrets)
        if not (self._tails or has_key or "\\" in data or self._suspicious(data)):
            for event in events:
                self._listener(event)
            return
        if not events:
            return
        has_key = has_key or ("\\u" in data and holds_secret(as_json(events[0].raw), self._secrets))
        texts: dict[Path, str] = {}

        def collect(path: Path, text: str) -> str:
            texts[path] = texts.get(path, "") + text
            return text

        _map_texts(events, collect)
        self._held.append((events, texts, has_key))
        for path, text in texts.items():
            self._tails[path] = self._tail(self._tails.get(path, "") + text)
        choices = {event.index for event in events}
        for path, tail in list(self._tails.items()):
            if not tail:
                del self._tails[path]
            if path in texts and tail:
                self._waiting.add(path)
            elif not tail or (len(tail) < _MIN_REVEALING and path[0] in choices):
                self._waiting.discard(path)
        if not self._waiting:
            self._release(redact)

    def end(self, *, failed: bool = False) -> None:
        """Forward all held back events. If the stream failed, long prefixes of a key are redacted too."""
        self._release(redact_thoroughly if failed else redact)

    def _tail(self, text: str) -> str:
        """The longest end of a text that is an incomplete prefix of a secret, also with escapes."""
        escape = ""
        if "\\" in text and self._secrets:
            text = without_escapes(text)
            if match := _INCOMPLETE_ESCAPE.search(text):
                escape = match[0]
                text = text[: match.start()]
        ends = (text[at:] for at in range(max(0, len(text) - self._longest + 1), len(text)))
        return next((end for end in ends if f"\n{end}" in self._prefixes), "") + escape

    def _release(self, clean: Callable[[str, Collection[str]], str]) -> None:
        pieces: dict[Path, list[str]] = {}
        for _, texts, _ in self._held:
            for path, text in texts.items():
                pieces.setdefault(path, []).append(text)
        redacted: dict[Path, str] = {}
        for path, parts in pieces.items():
            before = self._forwarded.get(path, "")
            whole = before + "".join(parts)
            if (cleaned := clean(whole, self._secrets)) != whole:
                redacted[path] = cleaned.removeprefix(before)
        held, self._held = self._held, []
        self._forwarded = dict(self._tails)
        for events, texts, has_key in held:
            changed = has_key or any(path in redacted for path in texts)
            for event in self._redacted(events, redacted, has_key=has_key) if changed else events:
                self._listener(event)

    def _redacted(
        self, events: Sequence[StreamEvent], redacted: dict[Path, str], *, has_key: bool
    ) -> Sequence[StreamEvent]:
        def change(path: Path, text: str) -> str:
            if path in redacted:
                text, redacted[path] = redacted[path], ""
            return text

        raw, texts = _map_texts(events, change)
        calls = [event.tool_call for event in events]
        if has_key:
            raw, calls = json.loads(redact(as_json({"": [raw, calls]}), self._secrets))[""]
        return [
            replace(event, text=text, tool_call=call, raw=raw)
            for event, text, call in zip(events, texts, calls, strict=True)
        ]


def _prefix_at_end(secrets: Sequence[str]) -> Callable[[str], object]:
    """A search for JSON values that end with the prefix of a secret; finds few others, and none with escapes."""
    if not secrets:
        return re.compile("(?!)").search
    firsts = "".join(sorted({secret[0] for secret in secrets}))
    others = "".join(sorted(set("".join(secrets))))
    longest = max(map(len, secrets))
    return re.compile(rf'[{re.escape(firsts)}][{re.escape(others)}]{{0,{longest}}}"(?!\s*:)').search


def _map_texts(events: Sequence[StreamEvent], change: Callable[[Path, str], str]) -> tuple[Any, list[str]]:
    """The events' JSON object and their texts, each text in them changed: `change` gets its path and the text.

    All pieces of one text have the same path, which begins with the index of its choice. The object is without
    logprobs, which repeat the texts as tokens.
    """

    def mapped(value: Any, path: Path, depth: int) -> Any:
        if not depth or not isinstance(value, dict | list):
            return value
        if isinstance(value, list):
            return [mapped(part, path if _has_index(part) else (*path, at), depth - 1) for at, part in enumerate(value)]
        path = (*path, value["index"]) if _has_index(value) else path
        parts = dict(value)
        for name, part in value.items():
            if isinstance(part, str):
                if part and name in _STREAMED_FIELDS:
                    parts[name] = change((*path, name), part)
            elif part:
                parts[name] = None if name == "logprobs" else mapped(part, path, depth - 1)
        return parts

    raw = mapped(events[0].raw, (), _MAX_DEPTH)
    return raw, [event.text and change(_path_of(event), event.text) for event in events]


def _path_of(event: StreamEvent) -> Path:
    return (event.index, event.kind, None if event.tool_call is None else event.tool_call.get("index"), StreamEvent)


def _has_index(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("index"), int)
