"""The last conversation of `ask`, in a file that only the user may read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from .places import data_file, write_private
from .terminal import CommandFailed

_FILE = "conversation.json"
_ROLES = ("system", "user", "assistant")


@dataclass
class Conversation:
    """The messages so far, and the model that answered."""

    model: str | None = None
    messages: list[dict[str, str]] = field(default_factory=list)

    def begin_with(self, system: str) -> None:
        """Put a system prompt in front, in place of an earlier one."""
        others = [message for message in self.messages if message["role"] != "system"]
        self.messages = [{"role": "system", "content": system}, *others]

    def add(self, role: str, content: str) -> None:
        """Add a message."""
        self.messages.append({"role": role, "content": content})

    def keep(self) -> None:
        """Write it to the file, in place of the last one. Raises `OSError`."""
        write_private(data_file(_FILE), json.dumps({"model": self.model, "messages": self.messages}))


def last() -> Conversation:
    """The last conversation.

    Raises:
        CommandFailed: there is none, or its file can't be read.
    """
    path = data_file(_FILE)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        conversation = Conversation(kept["model"], kept["messages"])
    except FileNotFoundError:
        raise CommandFailed("there is no conversation to continue; leave --continue out to begin one") from None
    except OSError as error:
        raise CommandFailed(f"{path} can't be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _damaged(str(path)) from None
    if not all(map(_is_message, conversation.messages)):
        raise _damaged(str(path))
    return conversation


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in _ROLES and isinstance(message.get("content"), str)


def _damaged(path: str) -> CommandFailed:
    return CommandFailed(f"{path} is damaged; leave --continue out to begin a new conversation")
