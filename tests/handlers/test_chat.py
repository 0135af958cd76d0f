"""Chat completions and plain completions: what is sent, and what comes back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from openrouter_toolkit import Envelope, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..envelopes import failure
from ..timing import cpu_below, quickest

Execute = Callable[..., Envelope]
ADD = {
    "name": "add",
    "description": "Add two numbers",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
}
MULTIPLY = {"name": "multiply", "description": "Multiply two numbers"}
ADD_TOOL = {"type": "function", "function": ADD}


def chat(question: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"model": "acme/atlas-small", "messages": [{"role": "user", "content": question}], **more}


def choice(envelope: Envelope) -> dict[str, Any]:
    assert envelope.successful, envelope.error
    first: dict[str, Any] = json.loads(envelope.data)["choices"][0]
    return first


# What is sent.


def test_arguments_are_the_body_as_they_are(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    arguments = chat(
        temperature=0.5,
        top_p=1,
        max_tokens=9,
        n=1,
        presence_penalty=-1.5,
        frequency_penalty=0,
        logit_bias={"50256": -100},
        user="user-7",
        seed=None,
        provider={"order": ["acme"], "unheard_of": [1]},
    )
    assert execute("CREATE_CHAT_COMPLETION", arguments).successful
    (request,) = openrouter_sandbox.requests
    assert (request.method, request.path, request.query) == ("POST", "/chat/completions", {})
    assert request.body == arguments
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == f"Bearer {openrouter_sandbox.api_key}"


def test_text_travels_unharmed(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    text = 'Grüße 👩\u200d👧 你好 \x00\x1b[31m " \\ \u2028'
    execute("CREATE_CHAT_COMPLETION", chat(text))
    assert openrouter_sandbox.requests[0].body["messages"][0]["content"] == text


@pytest.mark.parametrize("stop", ["\n", ["a"], ["a", "b", "c", "d"], []], ids=repr)
def test_stop_is_a_text_or_up_to_four(execute: Execute, openrouter_sandbox: Sandbox, stop: object) -> None:
    assert execute("CREATE_CHAT_COMPLETION", chat(stop=stop)).successful
    assert openrouter_sandbox.requests[0].body["stop"] == stop


@pytest.mark.parametrize("stop", [list("abcde"), [1], 5, {"a": 1}], ids=repr)
def test_any_other_stop_is_not_sent(execute: Execute, openrouter_sandbox: Sandbox, stop: object) -> None:
    assert failure(execute("CREATE_CHAT_COMPLETION", chat(stop=stop)))["problems"][0]["path"].startswith("stop")
    assert openrouter_sandbox.requests == []


def test_functions_become_tools(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    envelope = execute("CREATE_CHAT_COMPLETION", chat("Add 17 and 25", functions=[ADD, MULTIPLY]))
    (request,) = openrouter_sandbox.requests
    assert request.body["tools"] == [ADD_TOOL, {"type": "function", "function": MULTIPLY}]
    assert not {"functions", "function_call", "tool_choice"} & set(request.body)
    (call,) = choice(envelope)["message"]["tool_calls"]
    assert call["function"]["name"] == "add"
    assert json.loads(call["function"]["arguments"]) == {"a": 17, "b": 25}


def test_functions_come_behind_the_tools_that_are_there(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    search = {"type": "openrouter:web_search"}
    execute("CREATE_CHAT_COMPLETION", chat(tools=[search], functions=[ADD]))
    assert openrouter_sandbox.requests[0].body["tools"] == [search, ADD_TOOL]


def test_no_functions_are_no_tools(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    execute("CREATE_CHAT_COMPLETION", chat(functions=[], function_call="auto"))
    assert not {"tools", "tool_choice", "functions", "function_call"} & set(openrouter_sandbox.requests[0].body)


THE_FUNCTION = {"type": "function", "function": {"name": "add"}}


@pytest.mark.parametrize(
    ("function_call", "tool_choice"),
    [
        ("none", "none"),
        ("auto", "auto"),
        ("required", "required"),
        ({"name": "add"}, THE_FUNCTION),
        ('{"name": "add"}', THE_FUNCTION),
        (' { "name" : "add" } ', THE_FUNCTION),
        ("{'name': 'add'}", THE_FUNCTION),
        ("add", THE_FUNCTION),
        (THE_FUNCTION, THE_FUNCTION),
        (json.dumps(THE_FUNCTION), THE_FUNCTION),
    ],
    ids=repr,
)
def test_function_call_becomes_tool_choice(
    execute: Execute, openrouter_sandbox: Sandbox, function_call: object, tool_choice: object
) -> None:
    arguments = chat("Add 1 and 2", functions=[ADD], function_call=function_call)
    assert execute("CREATE_CHAT_COMPLETION", arguments).successful
    body = openrouter_sandbox.requests[0].body
    assert body["tool_choice"] == tool_choice
    assert "function_call" not in body


@pytest.mark.parametrize(
    "function_call",
    [
        "",
        "subtract",
        "{'name': 'subtract'}",
        '{"name": 5}',
        '{"name": ',
        "{add}",
        "{'add'}",
        "{[1]: 2}",
        "{1: {2: {3}}}",
        "{" * 10_000,
        "__import__('os').system('true')",
        {},
        {"name": "subtract"},
        {"name": None},
        {"name": ["add"]},
        {"function": "add"},
        {"function": ["add"]},
        {"name": "auto"},
    ],
    ids=lambda value: repr(value)[:40],
)
def test_nonsense_is_refused_before_anything_is_sent(
    execute: Execute, openrouter_sandbox: Sandbox, function_call: object
) -> None:
    envelope = execute("CREATE_CHAT_COMPLETION", chat(functions=[ADD, MULTIPLY], function_call=function_call))
    assert failure(envelope)["type"] == "invalid_arguments"
    assert failure(envelope)["problems"][0]["path"] == "function_call"
    assert "add, multiply" in str(envelope.error)
    assert len(str(envelope.error)) < 400
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize("tool", [{"type": "function", "function": None}, {"type": "function", "function": "add"}, {}])
def test_a_strange_tool_beside_a_function_does_no_harm(
    execute: Execute, openrouter_sandbox: Sandbox, tool: dict[str, Any]
) -> None:
    execute("CREATE_CHAT_COMPLETION", chat(tools=[tool], functions=[ADD], function_call="add"))
    assert openrouter_sandbox.requests[0].body["tool_choice"] == THE_FUNCTION


def test_tool_choice_comes_before_function_call(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    execute("CREATE_CHAT_COMPLETION", chat(functions=[ADD], function_call="none", tool_choice="required"))
    assert openrouter_sandbox.requests[0].body["tool_choice"] == "required"


# Attribution.


@pytest.mark.parametrize(
    ("title", "sent"),
    [
        ("My agent", "My agent"),
        ("  My agent\n", "My agent"),
        ("Grüße", "Grüße"),
        ("Агент 🤖", "Агент 🤖"),
        ("x" * 2000, "x" * 2000),
    ],
)
def test_the_apps_name_and_address_are_headers(
    execute: Execute, openrouter_sandbox: Sandbox, title: str, sent: str
) -> None:
    arguments = chat(x_title=title, http_referer="https://my.example/ä?b=c")
    assert execute("CREATE_CHAT_COMPLETION", arguments).successful
    (request,) = openrouter_sandbox.requests
    for name in ("X-OpenRouter-Title", "X-Title"):
        assert request.headers[name].encode("latin-1").decode() == sent
    assert request.headers["HTTP-Referer"].encode("latin-1").decode() == "https://my.example/ä?b=c"
    assert not {"x_title", "http_referer"} & set(request.body)


@pytest.mark.parametrize("title", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\x00b", "a\x1b[31mb", "a\x7fb", "\ud800"])
def test_what_no_header_can_carry_is_refused(execute: Execute, openrouter_sandbox: Sandbox, title: str) -> None:
    envelope = execute("CREATE_CHAT_COMPLETION", chat(x_title=title))
    assert failure(envelope)["type"] == "invalid_arguments"
    assert failure(envelope)["problems"][0]["path"] == "x_title"
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize("title", ["", " ", "\n"])
def test_a_name_of_nothing_is_no_header(execute: Execute, openrouter_sandbox: Sandbox, title: str) -> None:
    assert execute("CREATE_CHAT_COMPLETION", chat(x_title=title)).successful
    assert openrouter_sandbox.requests[0].headers["X-Title"] is None


def test_a_registrys_own_attribution_stands_where_a_call_gives_none(openrouter_sandbox: Sandbox) -> None:
    options = {"x_title": "SquadOS ✓", "http_referer": "https://squad.example", "categories": "cli-agent"}
    with ToolRegistry.from_manifest(client_options=options) as registry:
        registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", chat())
        registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", chat(x_title="One of its agents"))
        registry.execute("OPENROUTER_GET_MODELS_COUNT", {"http_referer": "https://other.example"})
    own, overridden, other = (request.headers for request in openrouter_sandbox.requests)
    assert own["X-Title"].encode("latin-1").decode() == "SquadOS ✓"
    assert own["X-OpenRouter-Title"] == own["X-Title"]
    assert own["HTTP-Referer"] == "https://squad.example"
    assert own["X-OpenRouter-Categories"] == overridden["X-OpenRouter-Categories"] == "cli-agent"
    assert overridden["X-Title"] == overridden["X-OpenRouter-Title"] == "One of its agents"
    assert overridden["HTTP-Referer"] == "https://squad.example"
    assert other["HTTP-Referer"] == "https://other.example"


def test_metadata_about_the_route_is_asked_for_by_header(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    assert execute("CREATE_CHAT_COMPLETION", {**chat(), "X-OpenRouter-Metadata": "enabled"}).successful
    (request,) = openrouter_sandbox.requests
    assert request.headers["X-OpenRouter-Metadata"] == "enabled"
    assert "X-OpenRouter-Metadata" not in request.body


# What comes back.


def test_an_answer_is_the_text_that_came(execute: Execute) -> None:
    message = choice(execute("CREATE_CHAT_COMPLETION", chat("What is 17 * 3?")))["message"]
    assert "51" in message["content"]


def test_a_streamed_answer_is_what_the_same_call_would_have_answered(
    registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    events: list[Any] = []
    question = chat("Add 1 and 2", functions=[ADD])
    plain = registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", question)
    streamed = registry.execute(
        "OPENROUTER_CREATE_CHAT_COMPLETION", {**question, "stream": True}, on_event=events.append
    )
    assert len(events) > 1
    assert openrouter_sandbox.requests[1].body["stream"] is True
    assert comparable(json.loads(streamed.data)) == comparable(json.loads(plain.data))


def comparable(answer: Any) -> Any:
    """An answer without what is new each time, and without what is null."""
    if isinstance(answer, list):
        return [comparable(item) for item in answer]
    if isinstance(answer, dict):
        return {
            name: comparable(value)
            for name, value in answer.items()
            if value is not None and name not in ("id", "created")
        }
    return answer


@pytest.mark.parametrize(
    ("model", "status", "kind"),
    [
        ("sandbox/rate-limited", 429, "rate_limit_exceeded"),
        ("sandbox/no-credits", 402, "payment_required"),
        ("sandbox/few-credits", 402, "payment_required"),
        ("sandbox/provider-down", 502, "provider_unavailable"),
        ("sandbox/overloaded", 529, "provider_overloaded"),
        ("sandbox/moderated", 403, None),
        ("sandbox/guardrail", 403, "permission_denied"),
        ("sandbox/deprecated", 404, None),
        ("sandbox/html", 502, "provider_unavailable"),
        ("sandbox/error-in-200", 502, "provider_unavailable"),
        ("sandbox/choice-error", 502, "provider_unavailable"),
        ("sandbox/html-200", 200, "invalid_response"),
        ("sandbox/empty", 200, "invalid_response"),
        ("sandbox/cut", None, "connection_failed"),
        ("sandbox/cut-before-answer", None, "connection_failed"),
    ],
)
def test_a_failure_is_told_by_its_type_and_status(
    execute: Execute, model: str, status: int | None, kind: str | None
) -> None:
    error = failure(execute("CREATE_CHAT_COMPLETION", chat(), model=model))
    assert error["status"] == status
    assert error["type"] == (kind or error["type"]) != "unmapped"


@pytest.mark.parametrize("model", ["sandbox/error-in-200", "sandbox/html-200", "sandbox/empty", "sandbox/html"])
def test_what_is_no_stream_is_judged_the_same_where_one_was_asked_for(execute: Execute, model: str) -> None:
    plain = failure(execute("CREATE_CHAT_COMPLETION", chat(), model=model))
    streamed = failure(execute("CREATE_CHAT_COMPLETION", chat(), model=model, stream=True))
    assert (plain["type"], plain["status"]) == (streamed["type"], streamed["status"])


@pytest.mark.parametrize("model", ["sandbox/cut", "sandbox/error-mid-stream", "sandbox/choice-error"])
def test_a_stream_that_breaks_off_keeps_what_had_arrived(execute: Execute, model: str) -> None:
    envelope = execute("CREATE_CHAT_COMPLETION", chat(), model=model, stream=True)
    assert failure(envelope)["type"] in ("connection_failed", "provider_unavailable")
    partial = json.loads(envelope.data)["partial"]
    assert partial["choices"][0]["message"]["content"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_comes_slowly_is_waited_for(execute: Execute, stream: bool) -> None:
    started = time.monotonic()
    envelope = execute("CREATE_CHAT_COMPLETION", chat(), model="sandbox/slow", stream=stream)
    assert time.monotonic() - started > 1.5
    assert choice(envelope)["message"]["content"]
    assert envelope.data[0] == "{"


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_above_the_limit_is_not_read_to_its_end(openrouter_sandbox: Sandbox, stream: bool) -> None:
    options = {"max_answer_bytes": 1024 * 1024, "max_attempts": 1}
    with ToolRegistry.from_manifest(client_options=options) as registry:
        took, envelope = quickest(
            lambda: registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", chat(model="sandbox/huge", stream=stream)),
            below=5,
        )
        assert took < 5
    assert failure(envelope)["type"] == "invalid_response"
    assert "max_answer_bytes" in str(envelope.error)
    assert len(str(envelope.error)) < 400


def test_a_providers_hostile_words_are_quoted_clean_and_short(execute: Execute) -> None:
    error = str(execute("CREATE_CHAT_COMPLETION", chat(), model="sandbox/hostile").error)
    assert not {"\x1b", "\n", "\u200b", "\u202e", "\x07"} & set(error)
    assert len(error) < 1_000


def test_an_answers_text_stays_as_it_came(execute: Execute) -> None:
    content = choice(execute("CREATE_CHAT_COMPLETION", chat(), model="sandbox/hostile-text"))["message"]["content"]
    assert "\x1b[31m" in content


def test_a_management_key_runs_no_completion_and_is_told_so(
    execute: Execute, openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", openrouter_sandbox.management_api_key)
    envelope = execute("CREATE_CHAT_COMPLETION", chat())
    assert failure(envelope)["type"] == "permission_denied"
    assert "ordinary keys run completions" in str(envelope.error)


ODD_ANSWERS = {
    "null": b"null",
    "a number": b"5",
    "a text": b'"ok"',
    "a list": b"[]",
    "no choices": b'{"choices": 5}',
    "choices of nothing": b'{"choices": [null, 5, "x"]}',
    "a fallback that is no list": b'{"error": {"code": 404, "message": "m", "availability": {"code": "model_not_found",'
    b' "fallback_models": 5}}}',
    "reasons that are no list": b'{"error": {"code": 403, "message": "m", "metadata": {"reasons": 5}}}',
    "an error of lists": b'{"error": {"code": [], "message": [], "metadata": [], "type": [], "error_type": []}}',
    "an error type of lists": b'{"error": {"code": 400, "message": "m", "metadata": {"error_type": ["x"], "raw": []}}}',
    "numbers that json does not have": b'{"error": {"code": NaN, "message": "m", "metadata": {"a": Infinity}}}',
    "an error deep inside": b'{"error": {"code": 400, "message": "m", "metadata": ' + b"[" * 800 + b"]" * 800 + b"}}",
    "an error too deep": b'{"error": {"code": 400, "message": "m", "metadata": ' + b"[" * 9999 + b"]" * 9999 + b"}}",
    "a message of megabytes": b'{"error": {"code": 400, "message": "' + b"m" * 3_000_000 + b'"}}',
}


@pytest.mark.parametrize("status", [200, 400, 429])
@pytest.mark.parametrize("body", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_no_answer_makes_the_toolkit_fail(answered: Execute, body: bytes, status: int) -> None:
    envelope = answered("CREATE_CHAT_COMPLETION", chat(), body=body, status=status)
    assert "The toolkit itself failed" not in str(envelope.error)
    assert envelope.successful is (status == 200 and b"error" not in body)
    if not envelope.successful:
        json.loads(envelope.data, parse_constant=lambda word: pytest.fail(f"{word} is not valid JSON"))
        assert len(str(envelope.error)) < 1_500


def test_a_providers_hostile_name_costs_no_time(answered: Execute) -> None:
    metadata = {"provider_name": "\x1b]" * 15_000, "raw": "it failed"}
    body = json.dumps({"error": {"code": 400, "message": "m", "metadata": metadata}}).encode()
    with cpu_below(1.5):
        assert failure(answered("CREATE_CHAT_COMPLETION", chat(), body=body, status=400))["status"] == 400


# Plain completions.


def test_a_plain_completion_is_text_in_and_text_out(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    envelope = execute("CREATE_COMPLETION", model="acme/atlas-small", prompt="What is 17 * 3?", x_title="A")
    (request,) = openrouter_sandbox.requests
    assert (request.method, request.path) == ("POST", "/completions")
    assert request.body == {"model": "acme/atlas-small", "prompt": "What is 17 * 3?"}
    assert request.headers["X-Title"] == "A"
    assert "51" in choice(envelope)["text"]


def test_a_streamed_plain_completion_is_put_together(execute: Execute) -> None:
    arguments = {"model": "acme/atlas-small", "prompt": "What is 17 * 3?"}
    plain = choice(execute("CREATE_COMPLETION", arguments))
    assert choice(execute("CREATE_COMPLETION", arguments, stream=True)) == plain
