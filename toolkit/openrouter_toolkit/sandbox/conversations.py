"""Validates the messages of a request and extracts their content."""

from collections.abc import Mapping
from typing import Any

from .errors import ApiError, JsonObject
from .parameters import Check, is_object, is_text

# The roles of each format, and whether a message of that role may have no content.
CHAT_ROLES = {"system": False, "developer": False, "user": False, "assistant": True, "tool": False}
MESSAGES_ROLES = {"user": False, "assistant": False, "system": False}

# Required fields of parts, by type. Types that are not listed may be newer and are not checked.
_PART_FIELDS: Mapping[str, Mapping[str, Check]] = {
    "text": {"text": is_text},
    "image_url": {"image_url": lambda value: is_object(value) and is_text(value.get("url"))},
    "input_audio": {"input_audio": lambda value: is_object(value) and is_text(value.get("data"))},
    "video_url": {"video_url": lambda value: is_object(value) and is_text(value.get("url"))},
    "file": {"file": is_object},
    "image": {"source": is_object},
    "document": {"source": is_object},
    "tool_use": {"id": is_text, "name": is_text},
    "tool_result": {"tool_use_id": is_text},
    "thinking": {"thinking": is_text, "signature": is_text},
}


def conversation(body: JsonObject, roles: Mapping[str, bool]) -> list[JsonObject]:
    """The validated `messages` of a request.

    Raises:
        ApiError: 400 for what the API refuses: no messages, an unknown role, content of a wrong type, a tool
            message without `tool_call_id`, tool calls without an id or a function.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, "messages: required, a list with at least one message")
    for position, message in enumerate(messages):
        where = f"messages.{position}"
        if not isinstance(message, dict):
            raise ApiError(400, f"{where}: must be an object with a role")
        role = message.get("role")
        if not isinstance(role, str) or role not in roles:
            raise ApiError(400, f"{where}.role: must be one of: {', '.join(roles)}")
        _check_content(message.get("content"), f"{where}.content", optional=roles[role])
        if role == "tool" and not isinstance(message.get("tool_call_id"), str):
            raise ApiError(400, f"{where}.tool_call_id: required in the message of a tool, a text")
        _check_tool_calls(message.get("tool_calls"), f"{where}.tool_calls")
    return messages


def _check_content(content: Any, where: str, *, optional: bool) -> None:
    if isinstance(content, str) or (content is None and optional):
        return
    if not isinstance(content, list):
        raise ApiError(400, f"{where}: must be a text or a list of parts")
    for position, part in enumerate(content):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise ApiError(400, f"{where}.{position}: must be an object with a type")
        for name, fits in _PART_FIELDS.get(part["type"], {}).items():
            if not fits(part.get(name)):
                raise ApiError(400, f"{where}.{position}.{name}: missing or of the wrong type")


def _check_tool_calls(calls: Any, where: str) -> None:
    if calls is None:
        return
    if not isinstance(calls, list):
        raise ApiError(400, f"{where}: must be a list")
    for position, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not is_text(call.get("id")):
            raise ApiError(400, f"{where}.{position}: must have an id and a function")
        if not is_text(function.get("name")) or not is_text(function.get("arguments")):
            raise ApiError(400, f"{where}.{position}.function: must have a name and arguments, both texts")


def parts(content: Any) -> list[JsonObject]:
    """The content of a message as a list of parts, even if it is plain text or empty."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def text_of(content: Any) -> str:
    """The text of a message's content, without images and files."""
    return " ".join(str(part["text"]) for part in parts(content) if part.get("type") == "text" and "text" in part)


def last_question(messages: list[JsonObject]) -> str:
    """The text of the user's last message, or of the last message if the user wrote none."""
    texts = [(message["role"], text_of(message.get("content"))) for message in messages]
    by_user = [text for role, text in texts if role == "user" and text.strip()]
    return by_user[-1] if by_user else texts[-1][1]


def rounds_since_question(messages: list[JsonObject]) -> int:
    """How often tools were called since the user's last message."""
    rounds = 0
    for message in reversed(messages):
        if message["role"] == "user" and text_of(message.get("content")).strip():
            break
        rounds += _calls_tools(message)
    return rounds


def _calls_tools(message: JsonObject) -> bool:
    """Whether a message calls tools, in either of the two formats that support them."""
    return bool(message.get("tool_calls")) or any(
        part.get("type") == "tool_use" for part in parts(message.get("content"))
    )
