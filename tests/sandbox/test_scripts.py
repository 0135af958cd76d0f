"""Scripts: a test says what a model of its own answers next, in every format, streamed or not."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest
import requests

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..timing import wait_until

Ask = Callable[..., requests.Response]
Fits = Callable[[object, str], None]

MODEL = "my/model"
EVERY_PATH = pytest.mark.parametrize("path", ["/chat/completions", "/messages", "/completions"])
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True])
CALLS: list[Any] = [
    {"name": "get_weather", "arguments": {"city": "Zürich"}, "id": "call_1"},
    {"name": "broken", "arguments": '{"city": "Par'},
]


def events(answer: requests.Response) -> list[dict[str, Any]]:
    data = [line[6:] for line in answer.content.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in data if line != "[DONE]"]


def deltas(answer: requests.Response) -> list[dict[str, Any]]:
    return [choice["delta"] for chunk in events(answer) for choice in chunk["choices"]]


def text_of(answer: requests.Response, path: str, *, stream: bool) -> str:
    """The words of an answer, in whichever format."""
    assert answer.status_code == 200, answer.text
    if path == "/messages":
        if not stream:
            return "".join(block["text"] for block in answer.json()["content"])
        return "".join(event.get("delta", {}).get("text", "") for event in events(answer))
    choices = [choice for part in (events(answer) if stream else [answer.json()]) for choice in part["choices"]]
    if path == "/completions":
        return "".join(choice["text"] for choice in choices)
    return "".join(choice["delta" if stream else "message"]["content"] or "" for choice in choices)


@EVERY_PATH
@BOTH_WAYS
def test_texts_come_one_after_another_and_as_they_are(sandbox: Sandbox, post: Ask, path: str, stream: bool) -> None:
    texts = ["First.", "", "  Two  words \n\nand “more”: \x1b[31m 😀", "What is 17 * 3?" * 100]
    sandbox.script(MODEL, texts)
    for text in texts:
        answer = post(path, model=MODEL, stream=stream, max_tokens=3, question="What is 17 * 3?")
        assert text_of(answer, path, stream=stream) == text


@EVERY_PATH
@BOTH_WAYS
def test_a_call_beyond_the_last_answer_is_refused_clearly(sandbox: Sandbox, post: Ask, path: str, stream: bool) -> None:
    sandbox.script(MODEL, ["only one"])
    assert post(path, model=MODEL, stream=stream).status_code == 200
    for number in (2, 3):
        answer = post(path, model=MODEL, stream=stream, models=["acme/atlas-small"])
        assert answer.status_code == 400
        message = answer.json()["error"]["message"]
        assert message.startswith(f"The script of my/model is used up: this is call {number}, and it has 1 answers.")


def test_the_last_answer_can_be_repeated(sandbox: Sandbox, post: Ask) -> None:
    sandbox.script(MODEL, ["first", "and again"], repeat_last=True)
    said = [text_of(post("/chat/completions", model=MODEL), "/chat/completions", stream=False) for _ in range(4)]
    assert said == ["first", "and again", "and again", "and again"]


def test_tool_calls_reasoning_and_words_in_a_chat_completion(sandbox: Sandbox, post: Ask, assert_fits: Fits) -> None:
    sandbox.script(MODEL, [{"text": "Let me see.", "reasoning": "Hm.", "tool_calls": CALLS}], repeat_last=True)
    whole = post("/chat/completions", model=MODEL).json()
    assert_fits(whole, "ChatResult")
    choice = whole["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", "Let me see.")
    assert choice["message"]["reasoning"] == "Hm."
    first, second = choice["message"]["tool_calls"]
    assert (first["id"], json.loads(first["function"]["arguments"])) == ("call_1", {"city": "Zürich"})
    assert second["function"] == {"name": "broken", "arguments": '{"city": "Par'}
    streamed = post("/chat/completions", model=MODEL, stream=True)
    for chunk in events(streamed):
        assert_fits(chunk, "ChatStreamChunk")
    pieces = [call for delta in deltas(streamed) for call in delta.get("tool_calls", [])]
    joined = ["".join(piece["function"]["arguments"] for piece in pieces if piece["index"] == at) for at in (0, 1)]
    assert joined == [first["function"]["arguments"], '{"city": "Par']
    assert events(streamed)[-1]["usage"] == whole["usage"]


def test_tool_calls_reasoning_and_words_in_a_message(sandbox: Sandbox, post: Ask, assert_fits: Fits) -> None:
    sandbox.script(MODEL, [{"text": "Let me see.", "reasoning": "Hm.", "tool_calls": CALLS}], repeat_last=True)
    whole = post("/messages", model=MODEL, max_tokens=5).json()
    thinking, text, first, second = whole["content"]
    assert (thinking["thinking"], text["text"], whole["stop_reason"]) == ("Hm.", "Let me see.", "tool_use")
    assert (first["id"], first["name"], first["input"]) == ("call_1", "get_weather", {"city": "Zürich"})
    assert second["input"] == '{"city": "Par'
    whole["content"].pop()
    assert_fits(whole, "MessagesResult")
    written = [
        event["delta"]["partial_json"]
        for event in events(post("/messages", model=MODEL, stream=True))
        if event.get("delta", {}).get("type") == "input_json_delta" and event["index"] == 3
    ]
    assert "".join(written) == '{"city": "Par'


@pytest.mark.parametrize(
    ("reason", "stop_reason"),
    [("length", "max_tokens"), ("stop", "end_turn"), ("content_filter", "refusal"), ("pause_turn", "pause_turn")],
)
def test_why_it_ended_can_be_said(sandbox: Sandbox, post: Ask, reason: str, stop_reason: str) -> None:
    sandbox.script(MODEL, [{"text": "Once", "finish_reason": reason}], repeat_last=True)
    assert post("/chat/completions", model=MODEL).json()["choices"][0]["finish_reason"] == reason
    assert post("/completions", model=MODEL).json()["choices"][0]["finish_reason"] == reason
    assert post("/messages", model=MODEL).json()["stop_reason"] == stop_reason
    assert events(post("/messages", model=MODEL, stream=True))[-2]["delta"]["stop_reason"] == stop_reason


@EVERY_PATH
@BOTH_WAYS
def test_an_error_has_its_status_words_and_headers(sandbox: Sandbox, post: Ask, path: str, stream: bool) -> None:
    error: Any = {
        "status": 429,
        "message": "Slow down",
        "error_type": "rate_limit_exceeded",
        "metadata": {"provider_name": "Acme AI", "raw": "too much"},
        "headers": {"Retry-After": "7"},
    }
    sandbox.script(MODEL, [{"error": error}, {"error": {"status": 522, "code": "upstream_down"}}, "fine"])
    answer = post(path, model=MODEL, stream=stream)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    body = answer.json()
    metadata = body["metadata"] if path == "/messages" else body["error"]["metadata"]
    assert (body["error"]["message"], metadata["raw"]) == ("Slow down", "too much")
    odd = post(path, model=MODEL, stream=stream)
    assert odd.status_code == 522
    assert path == "/messages" or odd.json()["error"]["code"] == "upstream_down"
    assert text_of(post(path, model=MODEL, stream=stream), path, stream=stream) == "fine"


@EVERY_PATH
def test_an_error_lets_the_next_model_try_and_leaves_no_header(sandbox: Sandbox, post: Ask, path: str) -> None:
    sandbox.script(MODEL, [{"error": {"status": 503, "headers": {"Retry-After": "7"}}, "headers": {"X-Mine": "1"}}])
    sandbox.script("my/other", [{"text": "Here I am", "headers": {"X-Other": "1"}}])
    answer = post(path, model=MODEL, models=["my/other"])
    assert text_of(answer, path, stream=False) == "Here I am"
    assert answer.json()["model"] == "my/other"
    assert (answer.headers.get("Retry-After"), answer.headers.get("X-Mine")) == (None, None)
    assert answer.headers["X-Other"] == "1"


def test_a_stream_breaks_off_with_an_error_after_some_words(sandbox: Sandbox, post: Ask, assert_fits: Fits) -> None:
    error: Any = {"status": 502, "message": "Gone", "metadata": {"raw": "lost"}}
    sandbox.script(MODEL, [{"text": "Once upon a time", "error": error}], repeat_last=True)
    streamed = post("/chat/completions", model=MODEL, stream=True)
    for chunk in events(streamed):
        assert_fits(chunk, "ChatStreamChunk")
    assert "".join(delta["content"] for delta in deltas(streamed)) == "Once upon a time"
    assert events(streamed)[-1]["error"]["message"] == "Gone"
    last = events(post("/messages", model=MODEL, stream=True))[-1]
    assert (last["type"], last["error"]["message"]) == ("error", "Gone")
    assert events(post("/completions", model=MODEL, stream=True))[-1]["error"]["metadata"]["raw"] == "lost"
    whole = post("/chat/completions", model=MODEL)
    assert (whole.status_code, whole.json()["error"]["message"]) == (502, "Gone")


@EVERY_PATH
@BOTH_WAYS
def test_a_connection_is_cut_in_the_middle_or_before(sandbox: Sandbox, post: Ask, path: str, stream: bool) -> None:
    sandbox.script(MODEL, [{"text": "Once upon a time", "cut": True}, {"cut": True}, "fine"])
    parts = post(path, model=MODEL, stream=stream).iter_content(None)
    assert next(parts)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        list(parts)
    with pytest.raises(requests.exceptions.ConnectionError):
        post(path, model=MODEL, stream=stream)
    assert text_of(post(path, model=MODEL, stream=stream), path, stream=stream) == "fine"


def test_a_body_goes_out_as_it_is(sandbox: Sandbox, post: Ask) -> None:
    page: Any = {"body": "<h1>Bad gateway</h1>", "status": 502, "headers": {"content-type": "text/html"}}
    halves = 'data: {"choices": [{"delta": {"content": "ü"}}]}\n\ndata: [DONE]\n\n'.encode()
    at = halves.index(b"\xc3") + 1
    stream: Any = {"body": [halves[:at], halves[at:]], "headers": {"Content-Type": "text/event-stream"}}
    sandbox.script(MODEL, [page, stream, {"body": ""}, {"body": ["{", '"a": '], "cut": True}])
    answer = post("/chat/completions", model=MODEL)
    assert (answer.status_code, answer.headers["Content-Type"], answer.text) == (502, "text/html", page["body"])
    answer = post("/messages", model=MODEL, stream=True)
    assert (answer.headers["Content-Type"], answer.content) == ("text/event-stream", halves)
    answer = post("/completions", model=MODEL)
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "application/json", b"")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        assert post("/chat/completions", model=MODEL).content


def test_an_answer_can_be_late_and_slow(sandbox: Sandbox, post: Ask) -> None:
    late: list[Any] = [{"text": "late", "delay": 0.3}, {"error": {"status": 503}, "delay": 0.3}]
    sandbox.script(MODEL, [*late, {"text": "a b c d", "chunk_delay": 0.1}])
    for kind in (200, 503, 200):
        started = time.monotonic()
        answer = post("/chat/completions", model=MODEL, stream=True)
        assert answer.status_code == kind
        assert answer.content
        assert time.monotonic() - started >= 0.3


def test_a_client_that_leaves_before_a_late_answer_is_noticed(sandbox: Sandbox) -> None:
    sandbox.script(MODEL, [{"text": "late", "delay": 30}])
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(f"{sandbox.base_url}/chat/completions", json=body, headers=headers, timeout=0.2)
    request = sandbox.requests[-1]
    wait_until(lambda: request.closed_by_client)


def test_the_model_is_in_the_catalogue_until_reset(sandbox: Sandbox, get: Ask, post: Ask, assert_fits: Fits) -> None:
    before = get("/models/count").json()["data"]["count"]
    sandbox.script(MODEL, ["yes"])
    sandbox.script("acme/atlas-small", ["scripted"])
    for path in ("/models", "/models/user"):
        listed = [model["id"] for model in get(path).json()["data"]]
        assert (listed.count(MODEL), listed.count("acme/atlas-small")) == (1, 1)
    assert_fits(get("/models").json(), "GET /models")
    assert get("/models/count").json()["data"]["count"] == before + 1
    assert [model["id"] for model in get("/models", q="my/").json()["data"]] == [MODEL]
    assert get("/models/my/model/endpoints").json()["data"]["id"] == MODEL
    assert text_of(post("/chat/completions", model="my/model:nitro"), "/chat/completions", stream=False) == "yes"
    sandbox.reset()
    assert get("/models/count").json()["data"]["count"] == before
    assert post("/chat/completions", model=MODEL).status_code == 400
    assert "51" in post("/chat/completions", question="What is 17 * 3?").text


def test_another_script_replaces_what_is_left(sandbox: Sandbox, post: Ask) -> None:
    sandbox.script(MODEL, ["one", "two"])
    sandbox.script(MODEL, ["new"])
    assert text_of(post("/chat/completions", model=MODEL), "/chat/completions", stream=False) == "new"
    assert post("/chat/completions", model=MODEL).status_code == 400


def test_a_script_is_not_changed_by_what_the_test_does_later(sandbox: Sandbox, post: Ask) -> None:
    answers: list[Any] = [{"tool_calls": [{"name": "look", "arguments": {"at": "this"}}]}]
    sandbox.script(MODEL, answers)
    answers[0]["tool_calls"][0]["arguments"]["at"] = "that"
    call = post("/chat/completions", model=MODEL).json()["choices"][0]["message"]["tool_calls"][0]
    assert json.loads(call["function"]["arguments"]) == {"at": "this"}


def test_no_answer_is_given_twice_to_many_threads(sandbox: Sandbox) -> None:
    sandbox.script(MODEL, [f"answer {number}" for number in range(100)])
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    said: list[str] = []

    def ask() -> None:
        with requests.Session() as session:
            for _ in range(10):
                answer = session.post(f"{sandbox.base_url}/chat/completions", json=body, headers=headers)
                said.append(answer.json()["choices"][0]["message"]["content"])

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == sorted(f"answer {number}" for number in range(100))


def test_what_it_costs_is_counted(sandbox: Sandbox, post: Ask, get: Ask) -> None:
    sandbox.script(MODEL, ["One two three"], repeat_last=True)
    whole = post("/chat/completions", model=MODEL, n=2).json()
    assert [choice["message"]["content"] for choice in whole["choices"]] == ["One two three"] * 2
    assert whole["usage"]["completion_tokens"] == 6
    assert get("/generation", id=whole["id"]).json()["data"]["total_cost"] == whole["usage"]["cost"] > 0
    assert get("/key").json()["data"]["usage"] == pytest.approx(whole["usage"]["cost"])


def test_random_failures_take_no_answer_away() -> None:
    with Sandbox(failure_rate=0.5, seed=3) as sandbox, requests.Session() as session:
        sandbox.script(MODEL, [str(number) for number in range(10)])
        session.headers["Authorization"] = f"Bearer {sandbox.api_key}"
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
        said: list[str] = []
        while len(said) < 10:
            try:
                answer = session.post(f"{sandbox.base_url}/chat/completions", json=body)
            except requests.exceptions.ConnectionError:
                continue
            if answer.status_code == 200:
                said.append(answer.json()["choices"][0]["message"]["content"])
        assert len(sandbox.requests) > 10
    assert said == [str(number) for number in range(10)]


WRONG: list[tuple[Any, str]] = [
    ({}, "must have one of text, reasoning, tool_calls, error, cut, body"),
    ({"finish_reason": "stop"}, "must have one of"),
    ({"txt": "x"}, "unknown key 'txt'; there are body, chunk_delay, cut"),
    (7, "must be an object with"),
    ({"text": 7}, "answers.0.text: must be a text"),
    ({"text": None}, "answers.0.text: must be a text"),
    ({"text": "x", "delay": -1}, "answers.0.delay: must be a number of seconds"),
    ({"text": "x", "delay": float("nan")}, "answers.0.delay"),
    ({"text": "x", "delay": True}, "answers.0.delay"),
    ({"text": "x", "cut": 1}, "answers.0.cut: must be true or false"),
    ({"cut": True, "error": {"status": 500}}, "ends with an error or is cut, not both"),
    ({"body": "x", "text": "y"}, "body goes out as it is; leave out text"),
    ({"body": ["x", 1]}, "answers.0.body: must be a text, bytes, or a list of them"),
    ({"body": "x", "status": 99}, "answers.0.status: must be an HTTP status from 200 to 599"),
    ({"text": "x", "status": 500}, "status goes with body"),
    ({"error": {}}, "answers.0.error: must have a status"),
    ({"error": {"status": "429"}}, "answers.0.error.status: must be an HTTP status"),
    ({"error": {"status": 429, "retry_after": 1}}, "answers.0.error: unknown key 'retry_after'"),
    ({"error": {"status": 429, "metadata": {"raw": object()}}}, "error: can't be written as JSON"),
    ({"error": {"status": 429, "headers": {"Retry-After": 1}}}, "answers.0.error.headers: 'Retry-After' can't be sent"),
    ({"text": "x", "headers": {"X-A": "a\r\nb: c"}}, "answers.0.headers: 'X-A' can't be sent"),
    ({"text": "x", "headers": {"X A": "b"}}, "'X A' can't be sent"),
    ({"text": "x", "headers": {"Content-Length": "3"}}, "Content-Length is set by the sandbox"),
    ({"tool_calls": [{}]}, "answers.0.tool_calls.0: must have a name"),
    ({"tool_calls": [{"name": "a", "arguments": 5}]}, "tool_calls.0.arguments: must be an object, or a text"),
    ({"tool_calls": {"name": "a"}}, "answers.0.tool_calls: must be a list of objects"),
]


@pytest.mark.parametrize(("answer", "words"), WRONG, ids=range(len(WRONG)))
def test_a_script_that_is_written_wrongly_is_refused_at_once(sandbox: Sandbox, answer: Any, words: str) -> None:
    with pytest.raises(ValueError, match=r"^script: ") as refusal:
        sandbox.script(MODEL, [answer])
    assert words in str(refusal.value)


@pytest.mark.parametrize("answers", [[], "text", {"text": "x"}, None, {"x"}], ids=str)
def test_answers_are_a_list_that_has_some(sandbox: Sandbox, answers: Any) -> None:
    with pytest.raises(ValueError, match="answers must be a list with at least one answer"):
        sandbox.script(MODEL, answers)


@pytest.mark.parametrize("model", ["", " ", "my model", None, 7])
def test_a_model_has_an_id(sandbox: Sandbox, model: Any) -> None:
    with pytest.raises(ValueError, match="the model's id must be a text without spaces"):
        sandbox.script(model, ["x"])


# The vendors' own clients, and the toolkit.


def test_the_vendors_clients_read_scripted_tool_calls(sandbox: Sandbox) -> None:
    sandbox.script(MODEL, [{"tool_calls": CALLS[:1]}], repeat_last=True)
    asked: Any = [{"role": "user", "content": "Hi"}]
    with openai.OpenAI(base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=0) as client:
        with client.chat.completions.stream(model=MODEL, messages=asked) as stream:
            call = (stream.get_final_completion().choices[0].message.tool_calls or [])[0]
        assert json.loads(call.function.arguments) == {"city": "Zürich"}
    base_url = sandbox.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=base_url, auth_token=sandbox.api_key, max_retries=0) as other:
        with other.messages.stream(model=MODEL, messages=asked, max_tokens=9) as events:
            block = events.get_final_message().content[-1]
        assert block.type == "tool_use"
        assert block.input == {"city": "Zürich"}


def test_the_toolkit_repeats_after_a_scripted_rate_limit(openrouter_sandbox: Sandbox) -> None:
    limited: Any = {"error": {"status": 429, "headers": {"Retry-After": "0"}}}
    openrouter_sandbox.script(MODEL, [limited, "It is 51."])
    arguments = {"model": MODEL, "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
    with ToolRegistry.from_manifest() as registry:
        envelope = registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", arguments)
        assert envelope.successful
        assert json.loads(envelope.data)["choices"][0]["message"]["content"] == "It is 51."
        assert len(openrouter_sandbox.requests) == 2
        used_up = registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", arguments)
    assert not used_up.successful
    assert "is used up" in str(used_up.error)
    assert len(openrouter_sandbox.requests) == 3
