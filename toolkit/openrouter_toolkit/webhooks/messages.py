"""Events as people read them, in a chat or in a mail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..store.event_types import EVENTS
from ..text.sanitize import short_name

_MAX_SUBJECT = 120
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True)
class Message:
    """An event in words."""

    subject: str
    sentence: str
    text: str


def message(body: str, host_name: str) -> Message:
    """Return the message for an event's JSON."""
    event: dict[str, Any] = json.loads(body)
    name, data = str(event["type"]), event["data"]
    known = EVENTS.get(name)  # None for one of a later release that shares the database
    sentence = f"{name} happened." if known is None else known.words(data)
    width = max(map(len, data), default=0)
    details = [f"{field:{width}}  {value}" for field, value in data.items() if value is not None]
    text = "\n".join([sentence, "", *details, "", f"{name}, {event['timestamp']}, sent by {host_name}", ""])
    return Message(short_name(f"{host_name}: {sentence}", _MAX_SUBJECT), sentence, text)


def slack_body(body: str, host_name: str) -> bytes:
    """Return what Slack's incoming webhook takes."""
    sentence = message(body, host_name).sentence
    return json.dumps({"text": f"{host_name}: {sentence}".translate(_SLACK)}).encode()
