"""The packaged manifest's compiled form: what the YAML and the schema files say, and nothing that is older."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest

from openrouter_toolkit import ManifestError, ToolRegistry
from openrouter_toolkit.manifest import LoadedToolkit, compiled, load, packaged_manifest

SOURCE = packaged_manifest()


@cache
def from_files() -> LoadedToolkit:
    """What the files say."""
    return load(SOURCE)


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the packaged manifest and its schemas, compiled."""
    shutil.copy(SOURCE, tmp_path)
    shutil.copytree(SOURCE.with_name("schemas"), tmp_path / "schemas")
    monkeypatch.setattr(compiled, "_FILE", tmp_path / "package" / "manifest" / "compiled.json")
    (tmp_path / "package" / "manifest").mkdir(parents=True)
    monkeypatch.setattr("openrouter_toolkit.manifest.loading.packaged_manifest", lambda: tmp_path / SOURCE.name)
    compiled.compile_manifest(tmp_path / SOURCE.name)
    return tmp_path / SOURCE.name


def test_it_says_what_the_files_say(manifest: Path) -> None:
    assert compiled.read(manifest) is not None
    short, long = load(), from_files()
    assert (short.toolkit, short.auth) == (long.toolkit, long.auth)
    assert short.toolsets == long.toolsets
    assert [action.definition for action in short.all_actions] == [action.definition for action in long.all_actions]
    for one, other in zip(short.all_actions, long.all_actions, strict=True):
        assert (one.credential, one.aliases, one.toolset) == (other.credential, other.aliases, other.toolset)
        assert (one.handler.__module__, one.handler.__qualname__) == (
            other.handler.__module__,
            other.handler.__qualname__,
        )
    assert (short.client, short.check, short.browser) == (long.client, long.check, long.browser)
    for shape in ("openai", "mcp", "composio"):
        assert ToolRegistry.from_manifest().tools(shape) == ToolRegistry.from_manifest([long]).tools(shape)


@pytest.mark.parametrize("edited", [SOURCE.name, "schemas/get_credits.json"])
def test_an_edited_file_counts_at_once(manifest: Path, edited: str) -> None:
    file = manifest.parent / edited
    file.write_text(file.read_text(encoding="utf-8").replace("credits", "CREDITS"), encoding="utf-8")
    assert compiled.read(manifest) is None
    if edited != SOURCE.name:
        (found,) = [action for action in load().actions if action.slug == "OPENROUTER_GET_CREDITS"]
        assert "CREDITS" in found.definition.model_dump()["description"]
        assert compiled.read(manifest) is not None, "the next start is quick again"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"checksum": 1, "data": {}}'])
def test_a_damaged_one_is_passed_over(manifest: Path, content: bytes) -> None:
    compiled._FILE.write_bytes(content)
    assert len(load().actions) == len(from_files().actions)


def test_in_a_wheel_it_is_trusted_without_a_look_at_the_files(manifest: Path) -> None:
    package = compiled._FILE.parent.parent
    shutil.move(manifest, package)
    assert compiled.read(package / manifest.name) is not None


def test_what_is_invalid_is_not_compiled(manifest: Path) -> None:
    (manifest.parent / "schemas" / "get_credits.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"get_credits\.json"):
        compiled.compile_manifest(manifest)
