"""Several toolsets in one process, and toolsets that are not ours."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.accounts import MemoryAccounts
from openrouter_toolkit.agents.composio import local_toolset
from openrouter_toolkit.sandbox import Sandbox

from .completions import calling
from .odd_toolkit import odd_registry
from .upstream import upstream

APP = "OPENROUTER_TOOLKIT"
COUNT = f"{APP}_OPENROUTER_GET_MODELS_COUNT"
KEY = f"{APP}_OPENROUTER_GET_CURRENT_KEY"


def test_each_toolset_has_its_own_actions_and_accounts(openrouter_sandbox: Sandbox) -> None:
    def made(allow: list[str], user: str) -> Any:
        accounts = MemoryAccounts({"default": {"api_key": f"{openrouter_sandbox.api_key}-{user}"}})
        return local_toolset(ToolRegistry.from_manifest(allow=allow, accounts=accounts))

    count = made(["OPENROUTER_GET_MODELS_COUNT"], "one")
    key = made(["OPENROUTER_GET_CURRENT_KEY"], "two")
    both = made(["OPENROUTER_GET_MODELS_COUNT", "OPENROUTER_GET_CURRENT_KEY"], "three")

    def names(toolset: Any) -> set[str]:
        return {model.name for model in toolset.get_action_schemas(apps=[APP])}

    assert names(count) == {COUNT}
    assert names(key) == {KEY}
    assert names(both) == {COUNT, KEY}
    for toolset, action in ((count, KEY), (key, COUNT)):
        answer = toolset.execute_action(action, {})
        assert answer["data"]["error"]["type"] == "unknown_action"
    assert openrouter_sandbox.requests == []
    for toolset, action, user in ((both, KEY, "three"), (key, KEY, "two"), (count, COUNT, "one")):
        assert toolset.execute_action(action, {})["successful"]
        assert str(openrouter_sandbox.requests[-1].key).endswith(f"-{user}")


def test_composio_knows_the_names_of_all_and_forgets_none(openrouter_sandbox: Sandbox) -> None:
    local_toolset(ToolRegistry.from_manifest(allow=["OPENROUTER_GET_MODELS_COUNT"]))
    local_toolset(ToolRegistry.from_manifest(allow=["OPENROUTER_GET_CURRENT_KEY"]))
    listed = upstream("ComposioToolSet")(lock=False).get_action_schemas(apps=[APP])
    assert {COUNT, KEY} <= {model.name for model in listed}
    assert upstream("App")(APP).is_local
    for name in (COUNT, KEY):
        action = upstream("Action")(name)
        assert (action.is_local, action.is_runtime, action.no_auth, action.app) == (True, False, True, APP)


def test_toolsets_are_made_in_many_threads(registry: ToolRegistry) -> None:
    with ThreadPoolExecutor(8) as pool:
        toolsets = list(pool.map(lambda _: local_toolset(registry), range(16)))
    assert {type(toolset) for toolset in toolsets} == {type(toolsets[0])}
    assert all(len(toolset.get_action_schemas(apps=[APP])) == len(registry.offered) for toolset in toolsets)


def test_it_is_a_toolset_of_composios(toolset: Any, openai_toolset: Any) -> None:
    plain = upstream("ComposioToolSet")
    for_openai = upstream("ComposioToolSet", "composio_openai")
    assert isinstance(toolset, plain)
    assert not isinstance(toolset, for_openai)
    assert isinstance(openai_toolset, for_openai)


def test_a_toolset_that_is_not_ours_executes_nothing(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    local_toolset(registry)
    plain = upstream("ComposioToolSet")(lock=False)
    assert len(plain.get_action_schemas(apps=[APP])) == len(registry.actions)
    with (
        pytest.warns(UserWarning, match="without a Composio API key"),
        pytest.raises(
            upstream("ComposioSDKError", "composio.exceptions"),
            match=r"Make the toolset with .*local_toolset\(registry\)",
        ),
    ):
        plain.execute_action(COUNT, {})
    assert openrouter_sandbox.requests == []


def test_nor_does_one_of_ours_with_another_toolkit(toolset: Any, tmp_path: Path) -> None:
    local_toolset(odd_registry(tmp_path))
    with (
        pytest.warns(UserWarning, match="without a Composio API key"),
        pytest.raises(upstream("ComposioSDKError", "composio.exceptions")),
    ):
        toolset.execute_action("ODD_TOOLKIT_ODD_ACTION", {"answer": "1"})


def test_composio_remembers_no_name_that_a_model_made_up(openai_toolset: Any) -> None:
    openai_toolset.get_tools(apps=[APP])
    openai_toolset.handle_tool_calls(calling(("MADE_UP_1", "{}"), (f"{APP}_MADE_UP_2", "{}")))
    assert [name for name in upstream("Action").cache if "MADE_UP" in name] == []


def test_a_package_that_is_missing_is_named(registry: ToolRegistry) -> None:
    with pytest.raises(ImportError, match=r"pip install 'composio-nowhere<0.8'"):
        local_toolset(registry, package="composio_nowhere")


@pytest.mark.parametrize("hidden", ["composio", "composio.tools.base.local"])
def test_without_composio_core_it_says_what_to_install(tmp_path: Path, hidden: str) -> None:
    program = f"""
import os, sys
os.environ["COMPOSIO_CACHE_DIR"] = {str(tmp_path)!r}
sys.modules[{hidden!r}] = None
from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents.composio import local_toolset
assert "composio.client" not in sys.modules
local_toolset(ToolRegistry.from_manifest())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert "ImportError: composio-core is not here" in done.stderr
    assert "pip install 'openrouter-toolkit[composio-core]'" in done.stderr
