"""What the API refuses in the body of a completion, the sandbox refuses too; what the API takes, it takes."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.sandbox.parameters import CHAT, COMPLETIONS, MESSAGES

from ..scale import scaled

Ask = Callable[..., requests.Response]
Fits = Callable[[object, str], None]

RECORDINGS = Path(os.environ.get("OPENROUTER_RECORDINGS") or Path(__file__).parents[2] / "../shared/recordings")
HELLO = {"role": "user", "content": "Hello"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
CALL = {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}

# For each format, bodies whose one fault is in the place that the message begins with.
ALL_FORMATS: list[tuple[dict[str, Any], str]] = [
    ({"model": 5}, "model"),
    ({"model": None}, "No models provided"),
    ({"models": "acme/atlas-small"}, "models"),
    ({"models": [5]}, "models"),
    ({"stream": "true"}, "stream"),
    ({"stream": 1}, "stream"),
    ({"temperature": 2.1}, "temperature"),
    ({"temperature": -0.1}, "temperature"),
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": True}, "temperature"),
    ({"top_p": 1.1}, "top_p"),
    ({"top_k": 1.5}, "top_k"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"max_tokens": "5"}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"provider": "Acme AI"}, "provider"),
    ({"provider": {"order": "Acme AI"}}, "provider"),
    ({"provider": {"data_collection": "maybe"}}, "provider"),
    ({"provider": {"zdr": "true"}}, "provider"),
    ({"plugins": ["web"]}, "plugins"),
    ({"plugins": [{"name": "web"}]}, "plugins"),
    ({"route": "shortest"}, "route"),
    ({"session_id": "x" * 257}, "session_id"),
]
OPENAI: list[tuple[dict[str, Any], str]] = [
    ({"n": 0}, "n:"),
    ({"n": -1}, "n:"),
    ({"n": 1.5}, "n:"),
    ({"n": 129}, "n:"),
    ({"n": "2"}, "n:"),
    ({"frequency_penalty": 2.1}, "frequency_penalty"),
    ({"presence_penalty": -2.1}, "presence_penalty"),
    ({"seed": "x"}, "seed"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
    ({"stop": [1]}, "stop"),
    ({"stop": 1}, "stop"),
    ({"logit_bias": {"50256": 101}}, "logit_bias"),
    ({"logit_bias": {"50256": "much"}}, "logit_bias"),
    ({"top_logprobs": 21}, "top_logprobs"),
    ({"reasoning": True}, "reasoning"),
    ({"reasoning": {"effort": "huge"}}, "reasoning"),
    ({"reasoning": {"effort": []}}, "reasoning"),
    ({"user": 5}, "user"),
]
CHAT_ONLY: list[tuple[dict[str, Any], str]] = [
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "Hello"}, "messages"),
    ({"messages": ["Hello"]}, "messages.0"),
    ({"messages": [{"content": "Hello"}]}, "messages.0.role"),
    ({"messages": [HELLO, {"role": "wizard", "content": "Hello"}]}, "messages.1.role"),
    ({"messages": [{"role": "User", "content": "Hello"}]}, "messages.0.role"),
    ({"messages": [{"role": "function", "content": "Hello"}]}, "messages.0.role"),
    ({"messages": [{"role": "", "content": "Hello"}]}, "messages.0.role"),
    ({"messages": [{"role": ["user"], "content": "Hello"}]}, "messages.0.role"),
    ({"messages": [{"role": "user"}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": {"type": "text", "text": "Hello"}}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": ["Hello"]}]}, "messages.0.content.0"),
    ({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}, "messages.0.content.0"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "http://a"}]}]},
        "messages.0.content",
    ),
    ({"messages": [{"role": "system"}, HELLO]}, "messages.0.content"),
    ({"messages": [HELLO, {"role": "tool", "content": "5"}]}, "messages.1.tool_call_id"),
    ({"messages": [HELLO, {"role": "tool", "content": "5", "tool_call_id": 1}]}, "messages.1.tool_call_id"),
    ({"messages": [HELLO, {"role": "tool", "tool_call_id": "1"}]}, "messages.1.content"),
    ({"messages": [{"role": "assistant", "tool_calls": [{"id": "1"}]}]}, "messages.0.tool_calls.0"),
    ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "messages.0.tool_calls"),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "look", "arguments": {}}}]}]},
        "messages.0.tool_calls.0.function",
    ),
    ({"max_completion_tokens": 0}, "max_completion_tokens"),
    ({"logprobs": 1}, "logprobs"),
    ({"metadata": {"a": 1}}, "metadata"),
    ({"metadata": {str(number): "x" for number in range(17)}}, "metadata"),
    ({"parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ({"service_tier": "first class"}, "service_tier"),
    ({"modalities": ["smell"]}, "modalities"),
    ({"modalities": "image"}, "modalities"),
    ({"response_format": {"type": "xml"}}, "response_format"),
    ({"response_format": "json_object"}, "response_format"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}, "response_format.json_schema"),
    ({"tools": {}}, "tools"),
    ({"tools": ["look"]}, "tools.0"),
    ({"tools": [{"function": {"name": "look"}}]}, "tools.0"),
    ({"tools": [{"type": "function"}]}, "tools.0.function"),
    ({"tools": [{"type": "function", "function": {"name": "x" * 65}}]}, "tools.0.function.name"),
    ({"tools": [{"type": "function", "function": {"name": "x", "parameters": []}}]}, "tools.0.function.parameters"),
    ({"tool_choice": "always"}, "tool_choice"),
    ({"tool_choice": {"function": {"name": "look"}}}, "tool_choice"),
    ({"tool_choice": {"type": "function"}}, "tool_choice"),
]
MESSAGES_ONLY: list[tuple[dict[str, Any], str]] = [
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "tool", "content": "5", "tool_call_id": "1"}]}, "messages.0.role"),
    ({"messages": [{"role": "developer", "content": "5"}]}, "messages.0.role"),
    ({"messages": [{"role": "assistant"}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "messages.0.content.0.tool_use_id"),
    ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "a"}]}]}, "messages.0.content.0.id"),
    ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages.0.content.0.source"),
    ({"system": 5}, "system"),
    ({"stop_sequences": "x"}, "stop_sequences"),
    ({"thinking": {"type": "on"}}, "thinking"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"tool_choice": {"type": "required"}}, "tool_choice"),
    ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ({"tools": [{"name": "look"}]}, "tools.0"),
    ({"tools": [{"input_schema": {}}]}, "tools.0"),
    ({"tools": [5]}, "tools.0"),
    ({"speed": "slow"}, "speed"),
    ({"service_tier": 1}, "service_tier"),
    ({"user": "x" * 257}, "user"),
    ({"fallbacks": [{"model": "acme/atlas-small"}] * 4}, "fallbacks"),
    ({"fallbacks": ["acme/atlas-small"]}, "fallbacks"),
    ({"fallbacks": [{"model": "acme/atlas-small"}], "models": ["acme/atlas-large"]}, "fallbacks"),
]
COMPLETIONS_ONLY: list[tuple[dict[str, Any], str]] = [
    ({"prompt": None}, "prompt"),
    ({"prompt": []}, "prompt"),
    ({"prompt": 5}, "prompt"),
    ({"prompt": [5]}, "prompt"),
    ({"best_of": 0}, "best_of"),
    ({"echo": "yes"}, "echo"),
]
WRONG = [
    *(("/chat/completions", body, place) for body, place in ALL_FORMATS + OPENAI + CHAT_ONLY),
    *(("/messages", body, place) for body, place in ALL_FORMATS + MESSAGES_ONLY),
    *(("/completions", body, place) for body, place in ALL_FORMATS + OPENAI + COMPLETIONS_ONLY),
]


@pytest.mark.parametrize(("path", "wrong", "place"), WRONG, ids=lambda value: json.dumps(value)[:60])
def test_a_wrong_request_is_refused_with_the_place_of_the_fault(
    post: Ask, assert_fits: Fits, path: str, wrong: dict[str, Any], place: str
) -> None:
    answer = post(path, **wrong)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(place)
    assert_fits(answer.json(), "AnthropicMessagesErrorResponse" if path == "/messages" else "BadRequestResponse")


RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("/chat/completions", {"temperature": 0, "top_p": 1, "n": 1, "max_tokens": 50.0, "stop": ["a"] * 4, "seed": 1}),
    ("/chat/completions", dict.fromkeys(CHAT.keys() - {"model", "messages"})),
    ("/chat/completions", {"service_tier": "ultrafast", "verbosity": "low", "something_newer": {"a": [1]}}),
    ("/chat/completions", {"messages": [{"role": "user", "content": [{"type": "hologram", "x": 1}]}]}),
    ("/chat/completions", {"messages": [{"role": "user", "content": [PICTURE, {"type": "text", "text": "Hi"}]}]}),
    ("/chat/completions", {"messages": [{"role": role, "content": "Hi"} for role in ("developer", "system", "user")]}),
    ("/chat/completions", {"messages": [HELLO, {"role": "assistant", "tool_calls": [CALL]}]}),
    ("/chat/completions", {"tools": [{"type": "openrouter:web_search"}], "tool_choice": {"type": "web_search"}}),
    ("/messages", {"provider": {"order": ["A New One"], "options": {"a": {}}, "newer": 1, "zdr": True, "only": None}}),
    ("/chat/completions", {"provider": {"data_collection": "deny", "sort": {"by": "price"}, "max_price": {}}}),
    ("/chat/completions", {"plugins": [{"id": "a-new-one", "x": 1}], "metadata": {"a": "b"}}),
    ("/messages", {"temperature": 2, "service_tier": "any", "system": [{"type": "text", "text": "Be kind"}]}),
    ("/messages", {"messages": [HELLO, {"role": "system", "content": "Be kind"}], "thinking": {"type": "adaptive"}}),
    ("/messages", dict.fromkeys(MESSAGES.keys() - {"model", "messages"})),
    ("/messages", {"model": "nobody/nothing", "fallbacks": [{"model": "acme/atlas-small"}]}),
    ("/completions", {"prompt": ["Hello", "you"], "echo": False, "best_of": 1}),
    ("/completions", dict.fromkeys(COMPLETIONS.keys() - {"model", "prompt"})),
]


@pytest.mark.parametrize(("path", "right"), RIGHT, ids=range(len(RIGHT)))
def test_a_right_request_is_answered(post: Ask, path: str, right: dict[str, Any]) -> None:
    answer = post(path, **right)
    assert answer.status_code == 200, answer.text


def recorded() -> Iterator[Any]:
    """The requests that OpenRouter answered, in the formats that the sandbox has, without what names a real model."""
    for folder in ("chat_completions", "messages"):
        for file in sorted((RECORDINGS / folder).glob("*.json")):
            pair = json.loads(file.read_text(encoding="utf-8"))
            if pair["response"]["status"] == 200:
                yield pytest.param(f"/{folder.replace('_', '/')}", pair["request"]["body"], id=file.stem)


@pytest.mark.skipif(not RECORDINGS.exists(), reason=f"no recorded traffic at {RECORDINGS}")
def test_what_openrouter_answered_is_not_refused(sandbox: Sandbox, post: Ask) -> None:
    sandbox.script("my/model", ["fine"], repeat_last=True)
    refused = []
    for case in recorded():
        path, body = case.values
        answer = post(path, **{**body, "model": "my/model", "models": None})
        if answer.status_code != 200:
            refused.append((case.id, answer.text))
        answer.close()
    assert refused == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "name", "role"]), inner),
    max_leaves=6,
)


@pytest.mark.load
@settings(max_examples=scaled(60, full=300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_sent_is_answered_or_refused(sandbox: Sandbox, data: st.DataObject) -> None:
    path, rules = data.draw(
        st.sampled_from([("/chat/completions", CHAT), ("/messages", MESSAGES), ("/completions", COMPLETIONS)])
    )
    names = [*rules, "messages", "prompt", "tools", "tool_choice", "response_format", "include_reasoning"]
    body: dict[str, Any] = {"model": "acme/atlas-large", "messages": [HELLO], "prompt": "Hello"}
    body |= {data.draw(st.sampled_from(names)): data.draw(JSON) for _ in range(2)}
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    answer = requests.post(f"{sandbox.base_url}{path}", json=body, headers=headers, timeout=20)
    assert answer.status_code in (200, 400, 404), answer.text


def test_nan_is_no_json(sandbox: Sandbox, session: requests.Session) -> None:
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    body = '{"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hi"}], "temperature": NaN}'
    answer = session.post(f"{sandbox.base_url}/chat/completions", data=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "The body is not valid JSON")
