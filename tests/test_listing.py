"""The toolkit's entries in marketplaces, held against their own schemas."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from composio_client.types.toolkit_retrieve_response import ToolkitRetrieveResponse
from jsonschema import Draft7Validator

from openrouter_toolkit import __version__
from openrouter_toolkit.cli import main
from openrouter_toolkit.manifest import listings, load

ECHO = Path(__file__).parent / "echo_toolkit" / "manifest.yaml"
ECHO_WITH_KEY = Path(__file__).parent / "echo_toolkit" / "with_key.yaml"


@pytest.fixture(scope="module")
def registry_schema() -> Draft7Validator:
    text = resources.files("skillsaw.schemas.mcp_registry.v2025_12_11").joinpath("server.schema.json").read_text()
    return Draft7Validator(json.loads(text))


@pytest.mark.parametrize("manifest", [None, ECHO, ECHO_WITH_KEY])
def test_composios_own_type_takes_it(manifest: Path | None) -> None:
    loaded = load(manifest)
    answer = ToolkitRetrieveResponse.model_validate(listings.composio(loaded), strict=True)
    assert answer.slug == loaded.toolkit.slug.lower()
    assert answer.meta.tools_count == len(loaded.actions)
    assert answer.auth_config_details is not None
    (details,) = answer.auth_config_details
    initiation = details.fields.connected_account_initiation
    required = [field.name for field in initiation.required]
    optional = [field.name for field in initiation.optional]
    assert required == [field.name for field in loaded.auth.fields if field.required]
    assert optional == [field.name for field in loaded.auth.fields if not field.required]


@pytest.mark.parametrize("manifest", [None, ECHO, ECHO_WITH_KEY])
def test_the_mcp_registrys_schema_takes_it(manifest: Path | None, registry_schema: Draft7Validator) -> None:
    server = listings.mcp_server(load(manifest), name="io.github.someone/server", version="1.2.3")
    assert [error.message for error in registry_schema.iter_errors(server)] == []
    assert server["$schema"] == listings.MCP_SCHEMA


def test_the_registrys_schema_is_the_one_that_is_named(registry_schema: Draft7Validator) -> None:
    assert isinstance(registry_schema.schema, dict)
    assert registry_schema.schema["$id"] == listings.MCP_SCHEMA


def test_every_key_that_the_server_wants_is_named_as_a_secret() -> None:
    (package,) = listings.mcp_server(load(), name="io.github.someone/server", version="1.2.3")["packages"]
    variables = {variable["name"]: variable for variable in package["environmentVariables"]}
    assert variables["OPENROUTER_API_KEY"]["isRequired"]
    assert all(variable["isSecret"] for variable in variables.values())


def test_the_command_prints_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listing"]) == 0
    assert json.loads(capsys.readouterr().out) == listings.composio(load())
    assert main(["listing", "--format", "mcp-registry", "--name", "io.github.someone/server"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["name"], printed["version"]) == ("io.github.someone/server", __version__)


@pytest.mark.parametrize("name", ["server", "io.github.someone/", "a/b/c", "ä/b"])
def test_a_name_that_the_registry_would_refuse_is_a_wrong_command_line(name: str) -> None:
    assert main(["listing", "--format", "mcp-registry", "--name", name]) == 2
