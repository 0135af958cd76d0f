"""Errors about what an account has, such as keys and workspaces: the words never send the agent to another model."""

from __future__ import annotations

import pytest

from openrouter_toolkit import ActionError
from openrouter_toolkit.openrouter.errors.resources import explain


@pytest.mark.parametrize(
    ("error", "path", "told"),
    [
        (ActionError("not_found", "Gone", status=404), "/keys/{hash}", "take hash exactly as a list of these gives it"),
        (ActionError("not_found", "Gone", status=404), "/activity", "check the ids in the arguments"),
        (ActionError("invalid_request", "Taken", status=409), "/workspaces", "read that first"),
        (ActionError("permission_denied", "Only management keys", status=403), "/keys", "field management_api_key"),
        (ActionError("authentication", "Invalid management key", status=401), "/keys", "field management_api_key"),
        (ActionError("server", "Oops", status=500, retryable=True), "/keys", "Wait some seconds and call again."),
    ],
)
def test_the_next_step_fits_what_an_account_has(error: ActionError, path: str, told: str) -> None:
    words = explain(error, path)
    assert words is not None
    assert f"(HTTP {error.status})" in words
    assert told in words
    assert "model" not in words


@pytest.mark.parametrize(
    "error",
    [
        ActionError("invalid_request", "name: required", status=400),
        ActionError("connection_failed", "no connection"),
        ActionError("not_found", "<html>", status=404, not_openrouter=True),
        ActionError("permission_denied", "blocked", status=403),
    ],
)
def test_others_keep_their_words(error: ActionError) -> None:
    assert explain(error, "/keys") is None
