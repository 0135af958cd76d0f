"""Every recorded call, made again through the registry, gets what was recorded."""

from __future__ import annotations

import json
from typing import Any

from openrouter_toolkit.openrouter.errors.types import TYPES

from .conftest import Execute
from .traffic import QUERIES, Recording
from .upstream import Upstream

SENSIBLE = {
    400: {"not_found", "invalid_request", "invalid_prompt", "context_length_exceeded", "content_policy_violation"},
    401: {"authentication"},
    402: {"payment_required"},
    403: {"permission_denied", "content_policy_violation"},
    404: {"not_found"},
    413: {"payload_too_large", "context_length_exceeded"},
    429: {"rate_limit_exceeded"},
    500: {"server"},
    502: {"provider_unavailable"},
    503: {"provider_overloaded", "provider_unavailable"},
    529: {"provider_overloaded"},
}


def test_what_was_recorded_is_sent(recording: Recording, execute: Execute, server: Upstream) -> None:
    execute(recording)
    assert server.sent["method"] == recording.request["method"]
    assert server.sent["body"] == recording.request["body"]
    assert server.sent["path"].rpartition("/v1")[2] == recording.request["path"].rpartition("/v1")[2]
    if recording.kind in QUERIES:
        assert server.sent["query"] == recording.request["query"]


def test_it_is_successful_if_the_answer_is_good_and_only_then(recording: Recording, execute: Execute) -> None:
    envelope = execute(recording)
    assert set(envelope) == {"data", "error", "successful"}
    assert envelope.successful is recording.good
    assert (envelope.error is None) is recording.good


def test_a_plain_answer_is_the_recorded_text_without_the_white_space_around_it(
    good_plain: Recording, execute: Execute
) -> None:
    assert execute(good_plain).data == good_plain.body.strip()


def test_a_failure_tells_a_program_what_upstream_said(failed: Recording, execute: Execute) -> None:
    told = _error(failed, execute)
    upstream = failed.error or {}
    named = (upstream.get("metadata") or {}).get("error_type") or upstream.get("error_type")
    assert told["type"] in {*TYPES, "invalid_response", "connection_failed"}
    if named:
        assert told["type"] == named
    if failed.status != 200:
        assert told["status"] == failed.status
        assert named or told["type"] in SENSIBLE.get(failed.status, TYPES)
        assert "availability" in upstream or told["retryable"] is (failed.status in (408, 429) or failed.status >= 500)
    elif isinstance(upstream.get("code"), int):
        assert told["status"] == upstream["code"]
    if upstream.get("message"):
        assert told["message"] == upstream["message"]


def test_a_failure_keeps_what_the_provider_said(failed: Recording, execute: Execute) -> None:
    metadata = (failed.error or {}).get("metadata") or {}
    told = _error(failed, execute)
    assert told.get("metadata", {}) == metadata
    assert told.get("provider") == metadata.get("provider_name")
    if isinstance(metadata.get("raw"), str):
        assert told["provider_message"][:1000] == metadata["raw"][:1000]


def test_a_failure_tells_the_agent_in_a_few_sentences(failed: Recording, execute: Execute) -> None:
    error = execute(failed).error
    assert error
    assert 20 < len(error) < 1000
    assert error.isprintable()


def _error(recording: Recording, execute: Execute) -> dict[str, Any]:
    error = json.loads(execute(recording).data)["error"]
    assert isinstance(error, dict)
    return error
