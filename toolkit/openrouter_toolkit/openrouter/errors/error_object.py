"""Find the error in an answer's body. This runs for each answer; what reads the error is imported when there is one."""

from __future__ import annotations

from typing import Any


def error_in(body: Any, depth: int = 0) -> dict[str, Any] | None:
    """The error object in a body, whatever its HTTP status, or None."""
    if isinstance(body, list):
        found = (error_in(item, depth + 1) for item in body[:5]) if depth < 3 else ()
        return next((error for error in found if error is not None), None)
    if not isinstance(body, dict):
        return None
    error = body.get("error") or (body.get("errors") if body.get("success") is False else None)
    if isinstance(error, list):
        error = next((item for item in error if item and isinstance(item, dict | str)), None)
    if isinstance(error, dict) and error:
        return error
    if isinstance(error, str) and error:
        return {"message": error, "code": body.get("code"), "type": body.get("type")}
    if error is True or body.get("object") == "error" or body.get("type") == "error" or "__type" in body:
        return body
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        found_error = choice.get("error") if isinstance(choice, dict) else None
        if found_error and isinstance(found_error, dict | str):
            return {"message": found_error} if isinstance(found_error, str) else dict(found_error)
        if isinstance(choice, dict) and choice.get("finish_reason") == "error":
            return {"code": 502, "message": "The provider failed while it was generating (finish_reason: error)."}
    return None
