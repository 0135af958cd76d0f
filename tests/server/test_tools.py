"""GET /api/tools: the definitions of what may be used now."""

from __future__ import annotations

from typing import get_args

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.server.api.routes import _LIST_PARAMETERS, Format
from openrouter_toolkit.tool_calling import FORMATS

from .served import CHAT, KEY, Served


def test_every_format_of_the_registry_is_offered() -> None:
    assert list(get_args(Format)) == list(FORMATS)


def test_the_definitions_are_the_registrys(served: Served) -> None:
    registry = ToolRegistry.from_manifest()
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
