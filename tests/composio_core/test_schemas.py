"""What composio tells of our actions is what we tell of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents.composio import local_toolset

from .odd_toolkit import DESCRIPTION, PARAMETERS, odd_registry
from .upstream import upstream

APP = "OPENROUTER_TOOLKIT"


def as_text(schema: Any) -> str:
    return json.dumps(schema)  # the order of keys counts: it is what a model reads


@pytest.mark.parametrize("options", [{}, {"exclude_none": True}, {"exclude_unset": True, "mode": "json"}])
def test_action_schemas_are_those_of_the_registry(toolset: Any, registry: ToolRegistry, options: Any) -> None:
    models = toolset.get_action_schemas(apps=[APP])
    dumped = [model.model_dump(**options) for model in models]
    ours = registry.tools("composio")
    assert [model["name"] for model in dumped] == [f"{APP}_{tool['slug']}" for tool in ours]
    assert [model["description"] for model in dumped] == [tool["description"] for tool in ours]
    assert [model["tags"] for model in dumped] == [action.tags for action in registry.offered.values()]
    assert [as_text(model["parameters"]) for model in dumped] == [as_text(tool["input_parameters"]) for tool in ours]


def test_composios_own_attributes_of_a_model_are_there(toolset: Any, registry: ToolRegistry) -> None:
    for model, tool in zip(toolset.get_action_schemas(apps=[APP]), registry.tools("composio"), strict=True):
        assert isinstance(model, upstream("ActionModel", "composio.client.collections"))
        assert model.parameters.properties == tool["input_parameters"]["properties"]
        assert model.parameters.required == tool["input_parameters"].get("required")
        assert model.response.properties["data"]["type"] == "object"
        assert model.appName == "openrouter_toolkit"


def test_tools_for_openai_are_those_of_the_registry(openai_toolset: Any, registry: ToolRegistry) -> None:
    tools = openai_toolset.get_tools(apps=[APP])
    ours = registry.tools("openai")
    for tool in ours:
        tool["function"]["name"] = f"{APP}_{tool['function']['name']}"
    assert [as_text(tool) for tool in tools] == [as_text(tool) for tool in ours]
    realtime = openai_toolset.get_realtime_tools(apps=[APP])
    assert [tool["parameters"] for tool in realtime] == [tool["function"]["parameters"] for tool in ours]


def test_names_have_at_most_64_characters(openai_toolset: Any) -> None:
    assert max(len(tool["function"]["name"]) for tool in openai_toolset.get_tools(apps=[APP])) <= 64


def test_a_name_that_composio_would_cut_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at most 64 characters.*ODD_TOOLKIT_ODD_X{50}"):
        local_toolset(odd_registry(tmp_path, slug=f"ODD_{'X' * 50}"))


@pytest.mark.parametrize("package", ["composio", "composio_openai"])
def test_a_schema_keeps_what_composio_loses(tmp_path: Path, package: str) -> None:
    toolset = local_toolset(odd_registry(tmp_path), package=package)
    (model,) = toolset.get_action_schemas(actions=["ODD_TOOLKIT_ODD_ACTION"])
    assert as_text(model.model_dump(exclude_none=True)["parameters"]) == as_text(PARAMETERS)
    assert model.description == DESCRIPTION
    if package == "composio_openai":
        (tool,) = toolset.get_tools(apps=["ODD_TOOLKIT"])
        assert tool["function"]["parameters"] == PARAMETERS
        assert tool["function"]["description"] == DESCRIPTION


def test_a_dumped_schema_is_the_callers(toolset: Any, registry: ToolRegistry) -> None:
    (model,) = toolset.get_action_schemas(actions=[f"{APP}_OPENROUTER_GET_GENERATION"])
    before = as_text(model.model_dump())
    model.model_dump()["parameters"]["properties"].clear()
    model.parameters.model_dump()["required"].clear()
    assert as_text(model.model_dump()) == before
    assert registry.actions["OPENROUTER_GET_GENERATION"].definition.input_parameters["properties"]


def test_what_a_host_changes_of_a_schema_is_dumped(toolset: Any, registry: ToolRegistry) -> None:
    (model,) = toolset.get_action_schemas(actions=[f"{APP}_OPENROUTER_LIST_MODEL_ENDPOINTS"])
    own = registry.tools("composio")[list(registry.offered).index("OPENROUTER_LIST_MODEL_ENDPOINTS")][
        "input_parameters"
    ]
    assert own["required"] == ["author", "slug"]
    del model.parameters.properties["author"], own["properties"]["author"]
    model.parameters.required = own["required"] = ["slug"]
    assert as_text(model.model_dump()["parameters"]) == as_text(own)


def test_actions_by_name_by_tag_and_each_once(toolset: Any, registry: ToolRegistry) -> None:
    name = f"{APP}_OPENROUTER_GET_CREDITS"
    for given in (name, name.lower(), upstream("Action")(name)):
        assert [model.name for model in toolset.get_action_schemas(actions=[given, name])] == [name]
    assert len(toolset.get_action_schemas(apps=[upstream("App")(APP)], actions=[name])) == len(registry.offered)
    assert len(toolset.get_action_schemas(apps=["openrouter_toolkit"])) == len(registry.offered)
    with_tag = [model.name for model in toolset.get_action_schemas(apps=[APP], tags=["Account"])]
    assert with_tag == [f"{APP}_{slug}" for slug, action in registry.offered.items() if "account" in action.tags]
    assert 0 < len(with_tag) < len(registry.offered)
    assert toolset.get_action_schemas(apps=[APP], tags=["no-such-tag"]) == []


def test_a_withdrawn_action_has_to_be_named(toolset: Any, registry: ToolRegistry) -> None:
    (slug,) = registry.actions.keys() - registry.offered.keys()
    name = f"{APP}_{slug}"
    assert name not in [model.name for model in toolset.get_action_schemas(apps=[APP])]
    assert [model.name for model in toolset.get_action_schemas(actions=[name])] == [name]
    assert toolset.get_action_schemas(apps=[APP], actions=[name])[-1].name == name


def test_an_action_that_there_is_not_is_an_error_of_composios(toolset: Any) -> None:
    with pytest.raises(
        upstream("EnumStringNotFound", "composio.exceptions"), match=f"Did you mean '{APP}_OPENROUTER_GET_CREDITS'"
    ):
        toolset.get_action_schemas(actions=[f"{APP}_OPENROUTER_GET_CREDIT"])


def test_a_schema_processor_of_the_hosts_counts(openai_toolset: Any, registry: ToolRegistry) -> None:
    def without_model(properties: dict[str, Any]) -> dict[str, Any]:
        return {name: schema for name, schema in properties.items() if name != "model"}

    tools = openai_toolset.get_tools(apps=[APP], processors={"schema": {APP: without_model}})
    ours = registry.tools("openai")
    for tool, own in zip(tools, ours, strict=True):
        own["function"]["parameters"]["properties"].pop("model", None)
        assert tool["function"]["parameters"] == own["function"]["parameters"]


def test_other_apps_are_as_composio_tells_them(toolset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain = upstream("ComposioToolSet")(lock=False).get_action_schemas(actions=["MATHEMATICAL_CALCULATOR"])
    theirs = [model.model_dump() for model in plain]
    asked = toolset.get_action_schemas(apps=["MATHEMATICAL"], actions=[f"{APP}_OPENROUTER_GET_CREDITS"])
    assert [model.name for model in asked] == [f"{APP}_OPENROUTER_GET_CREDITS", "MATHEMATICAL_CALCULATOR"]
    assert [model.model_dump() for model in asked[1:]] == theirs
