"""The API: executing actions, also with answers in brief as models read them, and listing the tools."""

from __future__ import annotations

import json
from typing import Any, get_args

import httpx2
import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.manifest import load
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.api.routes import _LIST_PARAMETERS, Format
from openrouter_toolkit.tool_calling import FORMATS
from openrouter_toolkit.tool_calling.options import DEFAULT_LIMIT
from openrouter_toolkit.tool_calling.summary import for_model

from .conftest import ALICE, BOB
from .served import CHAT, KEY, MODELS, QUESTION, Served


def error_of(envelope: dict[str, Any]) -> dict[str, Any]:
    assert set(envelope) == {"data", "error", "successful"}
    assert envelope["successful"] is False
    found: dict[str, Any] = json.loads(envelope["data"])["error"]
    return found


def refused(answer: httpx2.Response, status: int, type_: str) -> str:
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert (set(error), error["type"]) == ({"type", "message"}, type_)
    message: str = error["message"]
    return message


def test_an_action_is_executed_with_the_users_own_key(served: Served, sandbox: Sandbox) -> None:
    with served.client(served.token()) as host:
        for user, key in (("alice", ALICE), ("bob", BOB)):
            answer = host.post(f"/api/actions/{CHAT}", json={"user_id": user, "arguments": QUESTION})
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/json"
            assert list(answer.json()) == ["data", "error", "successful"]
            assert "17 * 3 = 51" in json.loads(answer.json()["data"])["choices"][0]["message"]["content"]
            assert sandbox.requests[-1].key == key


def test_a_token_for_one_user_needs_no_user_id(served: Served, sandbox: Sandbox) -> None:
    with served.client(served.token("bob")) as host:
        assert host.post(f"/api/actions/{KEY}", json={}).json()["successful"]
        assert host.post(f"/api/actions/{KEY}", json={"user_id": None, "arguments": {}}).json()["successful"]
    assert [request.key for request in sandbox.requests] == [BOB, BOB]


@pytest.mark.parametrize("users", [(), ("alice", "bob")])
def test_a_token_for_several_users_has_to_say_for_which(served: Served, sandbox: Sandbox, users: tuple[str]) -> None:
    with served.client(served.token(*users)) as host:
        assert "user_id" in refused(host.post(f"/api/actions/{KEY}", json={}), 422, "invalid_request")
    assert sandbox.requests == []


def test_another_user_is_refused_whether_there_is_one_or_not(served: Served, sandbox: Sandbox) -> None:
    with served.client(served.token("bob")) as host:
        answers = [
            host.post(f"/api/actions/{slug}", json={"user_id": user})
            for user in ("alice", "nobody", "bob ", "BOB", "bob\0", "é" * 200)
            for slug in (KEY, "NO_SUCH_ACTION")
        ]
    told = {refused(answer, 403, "forbidden") for answer in answers}
    assert len(told) == 1
    assert sandbox.requests == []


def test_arguments_as_json_text_are_taken_too(served: Served, sandbox: Sandbox) -> None:
    with served.client(served.token("alice")) as host:
        for arguments in ("", " {} ", "{}"):
            assert host.post(f"/api/actions/{KEY}", json={"arguments": arguments}).json()["successful"]
        answer = host.post(f"/api/actions/{CHAT}", json={"arguments": json.dumps(QUESTION)}).json()
        assert "17 * 3 = 51" in answer["data"]


def test_a_user_without_account_is_told_where_to_connect_one(served: Served) -> None:
    with served.client(served.token()) as host:
        for user in ("carol", "\u202ecarol", "x" * 255, "nul\0"):
            envelope = host.post(f"/api/actions/{KEY}", json={"user_id": user}).json()
            assert error_of(envelope)["type"] == "not_connected"
        envelope = host.post(f"/api/actions/{KEY}", json={"user_id": "carol"}).json()
    assert f"{served.url}/admin/tools" in envelope["error"]


def test_failures_of_an_action_are_envelopes(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        wrong = host.post(f"/api/actions/{CHAT}", json={"arguments": {"modell": "x"}})
        unknown = host.post("/api/actions/OPENROUTER_GET_CURENT_KEY", json={})
        upstream = host.post(f"/api/actions/{CHAT}", json={"arguments": {**QUESTION, "model": "sandbox/no-credits"}})
    assert {answer.status_code for answer in (wrong, unknown, upstream)} == {200}
    assert error_of(wrong.json())["type"] == "invalid_arguments"
    assert error_of(unknown.json())["suggestions"][0] == KEY
    assert error_of(upstream.json())["status"] == 402


def test_an_older_slug_works_too(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        assert host.post("/api/actions/OPENROUTER_OPENROUTER_LIST_PROVIDERS", json={}).json()["successful"]


def test_a_second_toolkit_is_executed_once_it_is_activated(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        call = {"arguments": {"text": "hello"}}
        assert error_of(host.post("/api/actions/ECHO_SAY", json=call).json())["type"] == "refused_by_policy"
        served.store.switches.activate("ECHO")
        assert json.loads(host.post("/api/actions/ECHO_SAY", json=call).json()["data"]) == {"said": ["hello"]}
        assert error_of(host.post("/api/actions/ECHO_SAYY", json=call).json())["suggestions"] == ["ECHO_SAY"]
        served.store.switches.turn_off("ECHO", "ECHO_SAY")
        assert error_of(host.post("/api/actions/ECHO_REPEAT", json=call).json())["type"] == "refused_by_policy"


def test_a_switched_off_action_is_not_executed(served: Served, sandbox: Sandbox) -> None:
    served.store.switches.turn_off("OPENROUTER", KEY)
    with served.client(served.token("alice")) as host:
        envelope = host.post(f"/api/actions/{KEY}", json={}).json()
        assert error_of(envelope)["type"] == "refused_by_policy"
        assert "administrator" in envelope["error"]
        assert sandbox.requests == []
        served.store.switches.turn_on("OPENROUTER", KEY)
        assert host.post(f"/api/actions/{KEY}", json={}).json()["successful"]


NO_JSON = [
    b"",
    b"{",
    b"user_id=alice",
    b'{"arguments": {"n": NaN}}',
    b'{"arguments": {"n": -Infinity}}',
    b'{"arguments": {"n": 1e999}}',
    b'{"arguments": {"n": ' + b"9" * 5000 + b"}}",
    b'{"arguments": {"n": "\\ud800"}}',
    b'{"arguments": {"\\udfff": 1}}',
    b'{"user_id": "\xff"}',
    b'{"user_id": "alice"}'.decode().encode("utf-16"),
    b"[" * 100_000,
    b'{"arguments": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
]


def test_what_is_no_json_is_refused(served: Served, sandbox: Sandbox) -> None:
    with served.client(served.token("alice")) as host:
        for body in NO_JSON:
            refused(host.post(f"/api/actions/{CHAT}", content=body), 400, "invalid_request")
    assert sandbox.requests == []


OTHER_SHAPES: list[Any] = [
    [],
    None,
    "alice",
    {"user": "alice"},
    {"user_id": 5},
    {"user_id": ""},
    {"user_id": "x" * 256},
    {"arguments": None},
    {"arguments": []},
    {"arguments": 5},
    {"connected_account_id": "ca_1"},
    {"custom_auth_params": {"base_url": "http://127.0.0.1:1"}},
]


def test_a_body_of_another_shape_is_refused(served: Served, sandbox: Sandbox) -> None:
    with served.client(served.token("alice")) as host:
        for body in OTHER_SHAPES:
            answer = host.post(f"/api/actions/{KEY}", content=json.dumps(body).encode())
            refused(answer, 422, "invalid_request")
    assert sandbox.requests == []


TOLD: list[tuple[Any, str]] = [
    (QUESTION, "model, messages: put them into arguments."),
    ({**QUESTION, "stream": True, "user_id": "alice"}, "model, messages, stream: put them into arguments."),
    ({"userid": "alice"}, "userid: unknown key, did you mean user_id?"),
    ({"userId": "alice", "arguments": {}}, "userId: unknown key, did you mean user_id?"),
    ({"argument": {}, "stream": 1}, "argument: unknown key, did you mean arguments? stream: put it into arguments."),
    ({"user_id": "alice", "userid": "alice"}, "userid: put it into arguments."),
    ({"arguments": []}, "arguments: wanted an object, or JSON text of one."),
    ({"arguments": None, "user_id": 5}, "user_id: wanted a text of 1 to 255 characters. arguments: wanted an object"),
    ({f"key{number}": 1 for number in range(9)}, "key0, key1, key2, key3, key4 and 4 more: put them into arguments."),
    ({"a\u202e\x1b[31mb\nc" + "x" * 99: 1}, "ab c" + "x" * 35 + "…: put it into arguments."),
    ([], "It must be an object."),
]


@pytest.mark.parametrize(("body", "told"), TOLD, ids=range(len(TOLD)))
def test_a_refusal_names_the_keys_and_where_they_belong(served: Served, body: Any, told: str) -> None:
    with served.client(served.token("alice")) as host:
        answer = host.post(f"/api/actions/{CHAT}", content=json.dumps(body).encode())
    message = refused(answer, 422, "invalid_request")
    assert message.startswith('The body is {"user_id": ..., "arguments": {...}}. ' + told)
    assert "neither" not in message


def test_a_secret_in_place_of_a_key_is_not_repeated(served: Served) -> None:
    token = served.token("alice")
    key = "sk-or-v1-" + "5a" * 20
    with served.client(token) as host:
        for secret in (token, key, f"x{token}", token[:30]):
            answers = [host.post(f"/api/actions/{KEY}", json={secret: 1}), host.get("/api/tools", params={secret: "x"})]
            for answer in answers:
                assert "[redacted]" in refused(answer, 422, "invalid_request")
                assert "5a5a5a" not in answer.text
                assert token[6:20] not in answer.text


def test_a_refusal_repeats_nothing_of_what_was_sent(served: Served) -> None:
    secret = "sk-or-v1-" + "5" * 40
    with served.client(served.token("alice")) as host:
        for body in (
            f'{{"api_key": "{secret}"}}',
            f'{{"{secret}": 1}}',
            f'{{"user_id": ["{secret}"]}}',
            f'{{"user_id": "{secret}"',
            f"{secret}",
        ):
            answer = host.post(f"/api/actions/{KEY}", content=body)
            assert answer.status_code in (400, 422)
            assert "555" not in answer.text
        assert "555" not in host.get("/api/tools", params={"format": secret, "strict": secret}).text
        assert "555" not in host.get(f"/api/{secret}").text


def test_other_methods_and_addresses(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        answer = host.get(f"/api/actions/{KEY}")
        refused(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "POST"
        for path in ("/api", "/api/", "/api/tools/", "/api/nothing", f"/api/actions/{KEY}/", "/api/actions/"):
            refused(host.get(path), 404, "not_found")


def test_a_list_comes_as_a_model_gets_it_elsewhere(served: Served) -> None:
    form = next(action.definition.brief for action in load().actions if action.slug == MODELS)
    assert form is not None
    with served.client(served.token("alice")) as host:
        whole = host.post(f"/api/actions/{MODELS}", json={}).json()
        brief = host.post(f"/api/actions/{MODELS}?brief=true", json={}).json()
    assert len(brief["data"]) < len(whole["data"]) / 2
    assert (brief["error"], brief["successful"]) == (None, True)
    assert brief["data"] == for_model(whole["data"], form.model_dump(), limit=DEFAULT_LIMIT)


@pytest.mark.parametrize("query", ["", "?brief=true"])
def test_select_chooses(served: Served, query: str) -> None:
    call = {"arguments": {"select": "data[?contains(id, 'atlas')].id"}}
    with served.client(served.token("alice")) as host:
        envelope = host.post(f"/api/actions/{MODELS}{query}", json=call).json()
    assert envelope["successful"]
    assert json.loads(envelope["data"]) == [name for name in json.loads(envelope["data"]) if "atlas" in name] != []


def test_every_tool_that_is_listed_can_be_called_as_it_is_listed(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        tools = host.get("/api/tools").json()["tools"]
        with_select = [
            tool["function"]["name"] for tool in tools if "select" in tool["function"]["parameters"]["properties"]
        ]
        assert len(with_select) >= 5
        for name in with_select:
            arguments = {"select": "length(data)"}
            if name == "OPENROUTER_LIST_MODEL_ENDPOINTS":
                arguments |= {"author": "acme", "slug": "atlas-small", "select": "data.id"}
            envelope = host.post(f"/api/actions/{name}", json={"arguments": arguments}).json()
            assert envelope["successful"], (name, envelope)
            assert len(envelope["data"]) < 100


def test_a_failure_is_the_same_envelope(served: Served) -> None:
    call = {"arguments": {"model": "acme/atlas-smal", "messages": QUESTION["messages"]}}
    with served.client(served.token("alice")) as host:
        plain, brief = (host.post(f"/api/actions/{CHAT}{query}", json=call).json() for query in ("", "?brief=true"))
        wrong = host.post(f"/api/actions/{MODELS}", json={"arguments": {"select": "data[?"}}).json()
    assert brief["successful"] is False
    assert brief["error"] == plain["error"]
    assert wrong["successful"] is False
    assert "select" in wrong["error"]


def test_an_object_is_not_mended_and_text_is(served: Served, sandbox: Sandbox) -> None:
    wrong = {**QUESTION, "max_tokens": "50"}
    with served.client(served.token("alice")) as host:
        envelope = host.post(f"/api/actions/{CHAT}?brief=true", json={"arguments": wrong}).json()
        assert "max_tokens" in envelope["error"]
        assert sandbox.requests == []
        envelope = host.post(f"/api/actions/{CHAT}?brief=true", json={"arguments": json.dumps(wrong)}).json()
        assert envelope["successful"]
        text = json.dumps({"select": "length(data)"})
        assert host.post(f"/api/actions/{MODELS}", json={"arguments": text}).json()["data"].isdigit()
        assert "select" in host.post(f"/api/actions/{MODELS}", json={"arguments": {"select": 5}}).json()["error"]


def test_what_has_no_brief_form_has_no_select(served: Served, sandbox: Sandbox) -> None:
    with served.client(served.token("alice")) as host:
        envelope = host.post(f"/api/actions/{CHAT}", json={"arguments": {**QUESTION, "select": "choices"}}).json()
        assert "select" in envelope["error"]
        assert sandbox.requests == []
        answer = host.post(f"/api/actions/{CHAT}?brief=true", json={"arguments": QUESTION}).json()
        assert json.loads(answer["data"])["choices"][0]["message"]["content"] == "17 * 3 = 51"
        answer = host.post(f"/api/actions/{MODELS}?breif=true", json={})
        assert answer.status_code == 422
        assert "did you mean brief?" in answer.json()["error"]["message"]
        assert host.post(f"/api/actions/{CHAT}?brief=perhaps", json={"arguments": QUESTION}).status_code == 422


def test_every_format_of_the_registry_is_offered() -> None:
    assert list(get_args(Format)) == list(FORMATS)


def test_the_definitions_are_the_registrys(served: Served) -> None:
    registry = ToolRegistry.from_manifest()
    for slug in registry.actions.keys() - registry.offered.keys():
        served.store.switches.turn_off("OPENROUTER", slug)  # as it is in a new store
    with served.client(served.token("alice")) as host:
        for name in FORMATS:
            tools = host.get("/api/tools", params={"format": name}).json()["tools"]
            assert tools == registry.tools(name)
        asked = {"format": "openai-responses", "extensions": "true", "strict": "true"}
        tools = host.get("/api/tools", params=asked).json()["tools"]
        assert tools == registry.tools("openai-responses", extensions=True, strict=True)
        assert host.get("/api/tools").json()["tools"] == registry.tools("openai")


def test_only_what_is_on_and_activated_is_listed(served: Served) -> None:
    def listed() -> list[str]:
        return [tool["name"] for tool in host.get("/api/tools", params={"format": "anthropic"}).json()["tools"]]

    with served.client(served.token()) as host:
        everything = listed()
        assert CHAT in everything
        assert "ECHO_SAY" not in everything
        served.store.switches.turn_off("OPENROUTER", CHAT)
        served.store.switches.activate("ECHO")
        assert listed() == [name for name in everything if name != CHAT] + ["ECHO_SAY", "ECHO_LIST_TOPICS"]
        served.store.switches.turn_on("OPENROUTER", CHAT)
        served.store.switches.turn_off("ECHO", "ECHO_SAY")
        assert listed() == [*everything, "ECHO_LIST_TOPICS"]


def test_a_wrong_question_is_refused(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        for params in ({"format": "toml"}, {"format": ""}, {"strict": "maybe"}):
            answer = host.get("/api/tools", params=params)
            assert (answer.status_code, answer.json()["error"]["type"]) == (422, "invalid_request")
            assert next(iter(params)) in answer.json()["error"]["message"]


def test_an_unknown_parameter_is_refused_and_the_nearest_named(served: Served) -> None:
    known = "there are format, extensions, strict."
    with served.client(served.token("alice")) as host:
        for params, told in (
            ({"frmat": "mcp"}, "frmat: unknown parameter, did you mean format?"),
            ({"format": "mcp", "Strict": "true"}, "Strict: unknown parameter, did you mean strict?"),
            ({"user_id": "bob"}, f"user_id: unknown parameter, {known}"),
            ({"": "x", "x" * 99: "y"}, f": unknown parameter, {known} {'x' * 39}…: unknown parameter, {known}"),
        ):
            answer = host.get("/api/tools", params=params)
            assert (answer.status_code, answer.json()["error"]["type"]) == (422, "invalid_request")
            assert answer.json()["error"]["message"] == told
        (operation,) = host.get("/api/openapi.json").json()["paths"]["/api/tools"].values()
    assert tuple(parameter["name"] for parameter in operation["parameters"]) == _LIST_PARAMETERS


def test_the_toolset_never_depends_on_who_asks(served: Served) -> None:
    with served.client(served.token("alice")) as alice, served.client(served.token()) as everybody:
        assert alice.get("/api/tools").json() == everybody.get("/api/tools").json()
        assert KEY in everybody.get("/api/tools").text
