"""`actions`, `show` and `tools`: text for people, JSON for programs."""

import json
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.cli import main
from openrouter_toolkit.commands import terminal
from openrouter_toolkit.commands.show import print_action, sample, type_of
from openrouter_toolkit.tool_calling import FORMATS

from ..schemas.definitions import ACTIONS, FURTHER, definition, properties
from ..schemas.operations import ACTIONS as LOADED
from .conftest import Command

Printed = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def registry() -> ToolRegistry:
    return ToolRegistry.from_manifest()


def printed_json(capsys: Printed) -> Any:
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)


def test_actions_for_people_are_a_line_each(capsys: Printed, registry: ToolRegistry) -> None:
    assert main(["actions"]) == 0
    header, *rows = capsys.readouterr().out.rstrip().split("\n")
    assert header.split() == ["action", "name", "effect", "what", "it", "does"]
    assert [row.split()[0] for row in rows] == list(registry.actions)
    for row, action in zip(rows, registry.actions.values(), strict=True):
        assert action.definition.name in row
        assert ("withdrawn" in row) == (action.withdrawn is not None)
        assert ("costs money" in row) == (action.definition.annotations.costsMoney and not action.withdrawn)


def test_a_withdrawn_action_is_listed_though_a_new_store_has_it_off(
    command_here: Command, registry: ToolRegistry
) -> None:
    _, listed, _ = command_here("actions", "--json")
    assert [action["slug"] for action in json.loads(listed)] == list(registry.actions)
    _, tools, _ = command_here("tools", "--format", "anthropic")
    assert [tool["name"] for tool in json.loads(tools)] == list(registry.offered)
    (withdrawn,) = registry.actions.keys() - registry.offered.keys()
    assert "Not offered to models: OpenRouter has withdrawn charges" in command_here("show", withdrawn)[1]
    assert "OpenRouter has withdrawn charges" in json.loads(command_here("execute", withdrawn)[1])["error"]


def test_actions_for_programs(capsys: Printed, registry: ToolRegistry) -> None:
    assert main(["actions", "--json"]) == 0
    listed = printed_json(capsys)
    assert [action["slug"] for action in listed] == list(registry.actions)
    assert all(sorted(one) == ["annotations", "description", "name", "slug", "tags"] for one in listed)


@pytest.mark.parametrize("slug", ["OPENROUTER_GET_CREDITS", "OPENROUTER_CREATE_KEY"])
def test_show_prints_an_action_of_any_toolset(slug: str, capsys: Printed) -> None:
    assert main(["show", slug]) == 0
    shown = capsys.readouterr().out
    print_action(LOADED[slug.removeprefix("OPENROUTER_").lower()], None)
    assert shown == capsys.readouterr().out


@pytest.mark.parametrize("action", ACTIONS)
def test_show_tells_every_parameter_and_a_call_that_would_pass(action: str, capsys: Printed) -> None:
    told = definition(action)
    slug = told["slug"]
    print_action(LOADED[action], None)
    text = capsys.readouterr().out
    for word in (slug, told["name"], *properties(action), *told["tags"]):
        assert word in text
    hints = told["annotations"]
    destroys = hints["destructiveHint"] and not hints["costsMoney"]
    assert text.startswith(f"{slug} - {told['name']} (destroys)") == destroys
    assert f"openrouter-toolkit execute {slug}" in text
    assert f'execute("{slug}", ' in text
    problems = LOADED[action].validator.problems(sample(told["input_parameters"]))
    assert all("matching" in problem["problem"] for problem in problems)  # no placeholder fits a pattern


def limits(schema: Any) -> list[str]:
    """All that values are held to, as words of a text."""
    if isinstance(schema, list):
        return [word for part in schema for word in limits(part)]
    if not isinstance(schema, dict):
        return []
    found = [value if isinstance(value, str) else json.dumps(value) for value in schema.get("enum", ())]
    for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "maxLength", "maxItems", "pattern"):
        found += [str(schema[keyword])] if keyword in schema else []
    return found + [word for part in ("items", "anyOf") for word in limits(schema.get(part))]


@pytest.mark.parametrize("action", ACTIONS)
def test_show_cuts_nothing_however_wide_the_terminal(
    action: str, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (1, 20, 40, 80, 119, 300):
        monkeypatch.setattr(terminal, "_PIPED_WIDTH", width)
        print_action(LOADED[action], None)
        assert_nothing_is_cut(action, width, capsys.readouterr().out)


def assert_nothing_is_cut(action: str, width: int, text: str) -> None:
    told = definition(action)
    words = text.replace(",", " ").replace(";", " ").split()
    for name, parameter in properties(action).items():
        assert name in words
        assert [word for word in limits(parameter) if word not in words and word not in text] == []
        for word in parameter["description"].split():
            assert word in text
    assert "…" not in text.replace("…", "", told["description"].count("…"))
    if width >= 80:
        code = ("  from ", "  ToolRegistry", "  openrouter-toolkit execute")
        assert all(len(line) <= max(width, 80) for line in text.splitlines() if not line.startswith(code))


def test_show_puts_documented_parameters_first(capsys: Printed) -> None:
    main(["show", "OPENROUTER_CREATE_CHAT_COMPLETION"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    order = [row[0] for row in rows if row and row[0] in ("model", "user", "tools")]
    assert order[:3] == ["model", "user", "tools"]


def test_show_for_programs_is_the_definition(capsys: Printed) -> None:
    for action in set(ACTIONS) - {*FURTHER[1:]}:
        assert main(["show", definition(action)["slug"], "--json"]) == 0
        assert printed_json(capsys) == definition(action)


def test_show_takes_older_slugs(capsys: Printed) -> None:
    assert main(["show", "OPENROUTER_OPENROUTER_LIST_PROVIDERS", "--json"]) == 0
    assert printed_json(capsys)["slug"] == "OPENROUTER_LIST_PROVIDERS"


@pytest.mark.parametrize(
    ("slug", "hint"),
    [
        ("GET_CREDITS", "did you mean OPENROUTER_GET_CREDITS?"),
        ("openrouter_get_credits", "did you mean OPENROUTER_GET_CREDITS?"),
        ("zebra\x1b[2J", "openrouter-toolkit actions lists them"),
    ],
)
def test_show_names_the_nearest_of_an_unknown_slug(slug: str, hint: str, capsys: Printed) -> None:
    assert main(["show", slug]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert hint in printed.err
    assert "\x1b" not in printed.err


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "string"),
        ({"type": ["string", "array"], "items": {"type": "string"}}, "string or array of string"),
        ({"type": ["string", "null"], "enum": ["low", None]}, "one of low, null"),
        ({"type": ["boolean", "string"], "enum": [True, False, "true"]}, "one of true, false"),
        ({"type": "number", "minimum": 0, "maximum": 2}, "number, at least 0, at most 2"),
        ({"type": "integer", "minimum": 1}, "integer, at least 1"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 9}, "number, more than 0, at most 9"),
        ({"type": "string", "minLength": 1}, "string, not empty"),
        ({"type": "string", "maxLength": 128}, "string, at most 128 characters"),
        ({"type": "string", "pattern": "^0x"}, "string, matching ^0x"),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 4}, "array of one of a, b, at most 4 items"),
        ({"type": "array"}, "array"),
        ({"anyOf": [{"type": "object"}, {"type": "string"}]}, "object or string"),
        ({}, "any"),
    ],
)
def test_types_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_of(schema) == words


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("extensions", [False, True])
def test_tools_are_the_registrys(name: str, extensions: bool, capsys: Printed, registry: ToolRegistry) -> None:
    assert main(["tools", "--format", name, *(["--extensions"] if extensions else [])]) == 0
    assert printed_json(capsys) == registry.tools(name, extensions=extensions)


def test_tools_of_a_toolset(capsys: Printed) -> None:
    command = ["tools", "--allow", "account", "chat", "--allow", "models", "--deny", "OPENROUTER_GET_CREDITS"]
    assert main([*command, "--read-only"]) == 0
    names = {tool["function"]["name"] for tool in printed_json(capsys)}
    assert "OPENROUTER_GET_CURRENT_KEY" in names
    assert not names & {"OPENROUTER_GET_CREDITS", "OPENROUTER_CREATE_CHAT_COMPLETION", "OPENROUTER_CREATE_MESSAGE"}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["tools", "--format", "yaml"], "there are openai, "),
        (["tools", "--deny", "OPENROUTER_GET_CREDIT"], "did you mean 'OPENROUTER_GET_CREDITS'?"),
        (["tools", "--allow", "animals"], "there is no action or tag 'animals'"),
    ],
)
def test_a_misspelt_toolset_is_a_wrong_command_line(command: list[str], reason: str, capsys: Printed) -> None:
    assert main(command) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert reason in printed.err
