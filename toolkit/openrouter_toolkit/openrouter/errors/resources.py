"""Explain errors about what an account has, such as keys, workspaces and presets: no other model helps there."""

from __future__ import annotations

import re

from ...envelope import ActionError
from . import messages

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_MANAGEMENT_KEY = (
    "This needs a management key: the account's field management_api_key, made at "
    "https://openrouter.ai/settings/management-keys. An ordinary key can't do it."
)


def explain(error: ActionError, path: str) -> str | None:
    """What happened and what to do next, for a request to a path; None if there is nothing special about it."""
    if error.status is None or error.details.get("not_openrouter") or error.details.get("limit"):
        return None
    step = _step(error, path)
    return step and f"{messages.what_happened(error)} {step}"


def _step(error: ActionError, path: str) -> str | None:
    if error.retryable:
        return messages.wait(error)
    names = " and ".join(_PLACEHOLDER.findall(path))
    if error.status == 404:
        where = f"take {names} exactly as a list of these gives it" if names else "check the ids in the arguments"
        return f"There is nothing of that name: {where}."
    if error.status == 409:
        return "It is in the way of something that is there already, or of its present state: read that first."
    if error.status in (401, 403) and re.search(r"management|provisioning", error.message.lower()):
        return _MANAGEMENT_KEY
    return None
