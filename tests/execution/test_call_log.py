"""One line in the log for each call, with facts and never contents."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from openrouter_toolkit import Refused, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
KEY = "OPENROUTER_GET_CURRENT_KEY"
SECONDS = r"seconds=\d+\.\d{3}"


def asking(model: str = "acme/atlas-small", text: str = "What is 17 * 3?", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(client_options={"max_attempts": 1}) as registry:
        yield registry


@pytest.fixture
def info(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "openrouter_toolkit")
    return caplog


def test_a_completion_s_line_has_tokens_and_cost(registry: ToolRegistry, info: pytest.LogCaptureFixture) -> None:
    registry.execute(CHAT, asking())
    (line,) = info.messages
    model = "user=default model=acme/atlas-small input_tokens=4 output_tokens=5 cost=0.00000725"
    assert re.fullmatch(f"{CHAT} {model} status=ok {SECONDS}", line)


def test_other_actions_have_neither(registry: ToolRegistry, info: pytest.LogCaptureFixture) -> None:
    registry.execute(KEY)
    (line,) = info.messages
    assert re.fullmatch(f"{KEY} user=default status=ok {SECONDS}", line)


@pytest.mark.parametrize(
    ("slug", "arguments", "line"),
    [
        (CHAT, asking("sandbox/no-credits"), f"{CHAT} user=default model=sandbox/no-credits status=payment_required"),
        (CHAT, {}, f"{CHAT} user=default status=invalid_arguments"),
        ("NO\x1b[31m_SUCH thing", {}, "NO_SUCH thing user=default status=unknown_action"),
        (CHAT, [], f"{CHAT} user=default status=invalid_arguments"),
    ],
)
def test_a_failure_s_line_has_its_type(
    registry: ToolRegistry, info: pytest.LogCaptureFixture, slug: str, arguments: Any, line: str
) -> None:
    registry.execute(slug, arguments)
    (told,) = info.messages
    assert re.fullmatch(f"{re.escape(line)} {SECONDS}", told)


def test_every_way_of_calling_logs_once(registry: ToolRegistry, info: pytest.LogCaptureFixture) -> None:
    list(registry.stream(CHAT, asking()))
    registry.call_tool(CHAT, asking())
    registry.call_tools([])
    assert [line.split()[0] for line in info.messages] == [CHAT, CHAT]


def test_contents_and_keys_are_in_no_line(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, info: pytest.LogCaptureFixture
) -> None:
    registry.execute(CHAT, asking(text="A secret question", user="somebody"))
    registry.execute(CHAT, asking(f"x/{openrouter_sandbox.api_key}-0123456789abcdef"), user_id="two words\n")
    assert "question" not in info.text
    assert "somebody" not in info.text
    assert openrouter_sandbox.api_key not in info.text
    assert 'user="two words"' in info.messages[1]


def test_a_refusal_by_a_hook_is_its_status_and_what_was_spent_is_told(
    openrouter_sandbox: Sandbox, info: pytest.LogCaptureFixture
) -> None:
    def withhold(action: Any, envelope: Any, seconds: float) -> None:
        raise Refused("not today")

    with ToolRegistry.from_manifest(after_execute=withhold) as registry:
        registry.execute(CHAT, asking())
    (line,) = info.messages
    assert "cost=0.00000725 status=refused_by_policy" in line


def test_below_info_nothing_is_written(registry: ToolRegistry, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "openrouter_toolkit")
    registry.execute(CHAT, asking())
    assert caplog.messages == []
