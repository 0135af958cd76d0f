"""Documents that are published: OpenRouter's own, and GitHub's, which comes from npm's registry."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from openrouter_toolkit.manifest import load
from openrouter_toolkit.openapi import Document, choose, import_toolkit, operations

from ..npm import installed
from ..scale import FULL
from .conftest import written

FOLDER = Path(__file__).parent
_OPENROUTER = FOLDER.parents[1].parent / "shared/openrouter/openapi.yaml"


@pytest.fixture(scope="module")
def openrouter() -> Document:
    """OpenRouter's document; skips the tests where it is absent."""
    path = Path(os.environ.get("OPENROUTER_OPENAPI", _OPENROUTER))
    if not path.is_file():
        pytest.skip(f"OpenRouter's OpenAPI document is not at {path}; OPENROUTER_OPENAPI names it")
    return Document.parse(path.read_bytes(), name=path.name)


@pytest.fixture(scope="module")
def github() -> Document:
    """GitHub's document."""
    path = installed(FOLDER / "octokit") / "@octokit/openapi/generated/api.github.com.json"
    return Document.parse(path.read_bytes(), name=path.name)


def test_openrouters_actions_are_those_of_the_packaged_toolkit(openrouter: Document, tmp_path: Path) -> None:
    """The packaged definitions were written by hand: those that only read take the same arguments, and more."""
    found = operations(openrouter)
    requests = {action._request: action for action in load().actions if action._request and action.read_only}
    chosen = [one for one in found if one.line in requests]
    assert len(chosen) >= 7
    imported = import_toolkit(openrouter, found, chosen, name="Open Router", slug="OPEN_ROUTER")
    assert not imported.skipped
    loaded = written(imported, tmp_path)
    assert loaded.auth.verify in {action.slug for action in loaded.actions}
    assert loaded.declared_api is not None
    assert (loaded.declared_api.base_url, loaded.declared_api.authorization_kinds) == (
        "https://openrouter.ai/api/v1",
        {"header"},
    )
    for action in loaded.actions:
        own = requests[action._request or ""].definition.input_parameters["properties"]
        assert action.definition.input_parameters["properties"].keys() <= own.keys()


def test_github_by_tags(github: Document, tmp_path: Path) -> None:
    found = operations(github)
    chosen = choose(found, tags=["gists"])
    imported = import_toolkit(github, found, chosen, name="GitHub", slug="GITHUB")
    loaded = written(imported, tmp_path)
    assert not imported.skipped
    assert len(loaded.actions) == len(chosen) == 20
    create = loaded.find("GITHUB_GISTS_CREATE")
    assert create
    parameters = create.definition.input_parameters
    assert parameters["required"] == ["files"]
    assert parameters["properties"].keys() == {"description", "files", "public"}
    assert (create._request, create.tags) == ("POST /gists", ["gists"])


@pytest.mark.load
@pytest.mark.timeout(600)
@pytest.mark.skipif(not FULL, reason="the whole of both documents takes half a minute; make load imports it")
@pytest.mark.parametrize(("name", "skipped", "most"), [("openrouter", 6, 200), ("github", 2, 1_000)])
def test_all_operations_load(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, skipped: int, most: int
) -> None:
    document: Document = request.getfixturevalue(name)
    found = operations(document)
    imported = import_toolkit(document, found, found, name="Whole", slug="WHOLE")
    loaded = written(imported, tmp_path)
    assert len(loaded.actions) == len(found) - sum(map(len, imported.skipped.values()))
    assert sum(map(len, imported.skipped.values())) == skipped
    assert 100 < len(loaded.actions) < most
    assert max(len(text) for path, text in imported.files.items() if path.startswith("schemas/")) < 64_000
