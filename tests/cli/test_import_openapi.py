"""`import-openapi` writes a toolkit that loads, all of it or nothing, and says what there is to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from openrouter_toolkit.commands import import_openapi
from openrouter_toolkit.manifest import ManifestError, load

from ..openapi.conftest import body, document, operation
from ..openrouter.conftest import Serve
from .conftest import Run

SHOP: dict[str, Any] = document(
    {
        "/pets": {
            "get": operation(operationId="listPets", tags=["pets"], summary="List pets"),
            "post": operation(
                operationId="addPet", tags=["pets"], requestBody=body({"type": "object", "properties": {"name": {}}})
            ),
        },
        "/photos": {
            "post": operation(operationId="upload", requestBody=body({}, "multipart/form-data", required=True))
        },
        "/me": {"get": operation(operationId="me", tags=["users"])},
    },
    tags=[{"name": "pets", "description": "All about **pets**."}],
    components={"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    security=[{"token": []}],
)


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "shop.json").write_text(json.dumps(SHOP))
    return "shop.json"


def test_it_writes_a_toolkit_and_says_what_to_do(run: Run, file: str, tmp_path: Path) -> None:
    done = run("import-openapi", file)
    assert (done.returncode, done.stdout) == (0, b"shop/manifest.yaml\n")
    said = done.stderr.decode()
    assert "Wrote 3 actions of 4 operations; the toolkit loads." in said
    assert "Skipped 1 (upload): needs a body, which is multipart/form-data." in said
    assert "Look at: auth.verify is SHOP_ME" in said
    folder = tmp_path / "shop"
    assert [action.slug for action in load(folder).actions] == ["SHOP_LIST_PETS", "SHOP_ADD_PET", "SHOP_ME"]
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == ["README.md", "manifest.yaml", *(f"schemas/{name}.json" for name in ("add_pet", "list_pets", "me"))]
    assert "@" not in (folder / "README.md").read_text()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".shop")] == []


def test_what_was_written_is_used_like_any_toolkit(run: Run, file: str, serve: Serve) -> None:
    server = serve(lambda exchange: exchange.json({"me": "alice"}))
    assert run("import-openapi", file, "--base-url", server.base_url, "--read-only").returncode == 0
    done = run("execute", "SHOP_ME", "--manifest", "shop", "--data", SHOP_API_KEY="key-of-alice-0123456789")
    assert json.loads(done.stdout) == {"me": "alice"}
    assert server.requests[-1].headers["authorization"] == "Bearer key-of-alice-0123456789"


def test_tags_are_listed_and_nothing_is_written(run: Run, file: str, tmp_path: Path) -> None:
    done = run("import-openapi", file, "--list")
    rows = [line.split() for line in done.stdout.decode().splitlines()]
    assert rows == [
        ["tag", "operations", "read-only", "description"],
        ["pets", "2", "1", "All", "about", "pets."],
        ["users", "1", "1"],
        ["-", "1", "0", "operations", "without", "a", "tag"],
    ]
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    ("options", "slugs"),
    [
        (["--tag", "pets"], ["PET_SHOP_LIST_PETS", "PET_SHOP_ADD_PET"]),
        (["--tag", "pets", "--tag", "users", "--read-only"], ["PET_SHOP_LIST_PETS", "PET_SHOP_ME"]),
        (["--operation", "me"], ["PET_SHOP_ME"]),
    ],
)
def test_operations_are_chosen(run: Run, file: str, tmp_path: Path, options: list[str], slugs: list[str]) -> None:
    done = run("import-openapi", file, "--name", "Pet Shop", "--directory", "deep/er", *options)
    assert done.returncode == 0, done.stderr.decode()
    assert [action.slug for action in load(tmp_path / "deep" / "er").actions] == slugs


def test_yaml_and_standard_input(run: Run, tmp_path: Path) -> None:
    text = yaml.safe_dump(SHOP).encode()
    assert run("import-openapi", "-", stdin=text).returncode == 0
    (tmp_path / "shop.yaml").write_bytes(text)
    assert run("import-openapi", "shop.yaml", "--directory", "second").returncode == 0
    first, second = ((tmp_path / name / "manifest.yaml").read_text() for name in ("shop", "second"))
    assert first == second


def test_nothing_is_overwritten(run: Run, file: str, tmp_path: Path) -> None:
    kept = tmp_path / "shop" / "mine"
    kept.parent.mkdir()
    kept.write_text("mine")
    done = run("import-openapi", file)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"shop exists already, so nothing was written" in done.stderr
    assert [path.name for path in kept.parent.iterdir()] == ["mine"]


def test_an_empty_folder_is_filled(run: Run, file: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("import-openapi", file, "--directory", "empty").returncode == 0
    assert sorted(path.name for path in (tmp_path / "empty").iterdir()) == ["README.md", "manifest.yaml", "schemas"]
    load(tmp_path / "empty")


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), ManifestError(["wrong"]), KeyboardInterrupt()]
)
def test_it_writes_all_or_nothing(
    run: Run, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(
        "openrouter_toolkit.manifest.load" if isinstance(error, ManifestError) else "pathlib.Path.rename", fail
    )
    before = sorted(tmp_path.iterdir())
    assert run("import-openapi", file, "--name", "Other").returncode in (1, 130)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["shop.json", "--tag", "pest"], 2, "there is no tag 'pest'; did you mean pets?"),
        (["shop.json", "--operation", "listPet"], 2, "did you mean listPets?"),
        (["shop.json", "--operation", "addPet", "--read-only"], 2, "leave --read-only out"),
        (["shop.json", "--name", "OpenRouter"], 2, "--name: the slug OPENROUTER is that of the packaged toolkit"),
        (["shop.json", "--name", "7 days"], 2, "--name: a name has letters"),
        (["shop.json", "--base-url", "http://shop.example"], 2, "--base-url: plain http"),
        (["shop.json", "--base-url", "/v1"], 2, "--base-url: it must be https://host/path"),
        (["https://shop.example/openapi.json"], 2, "nothing is fetched; save the document first"),
        (["missing.json"], 1, "missing.json: No such file"),
        (["."], 1, "Is a directory"),
        (["-"], 1, "there is nothing in it"),
        (["swagger.json"], 1, "swagger.json: this is Swagger"),
        (["broken.yaml"], 1, "broken.yaml: no valid YAML"),
        (["untitled.json"], 2, "give one by --name"),
        (["shop.json", "--tags", "pets"], 2, "did you mean --tag?"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(
    run: Run, file: str, tmp_path: Path, options: list[str], status: int, words: str
) -> None:
    (tmp_path / "swagger.json").write_text('{"swagger": "2.0"}')
    (tmp_path / "broken.yaml").write_text("a: [\nb")
    (tmp_path / "untitled.json").write_text(json.dumps({**SHOP, "info": {"title": "REST API 3.0"}}))
    before = sorted(tmp_path.iterdir())
    done = run("import-openapi", *options)
    assert (done.returncode, done.stdout) == (status, b"")
    assert words in done.stderr.decode()
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Shop API", "Shop"),
        ("The Swagger Petstore - OpenAPI 3.0", "Petstore"),
        ("GitHub v3 REST API", "GitHub v3"),
        ("Amazon Elastic Compute Cloud for Everybody in the World", "Amazon Elastic Compute Cloud for"),
        ("2Captcha Solver", "Solver"),
    ],
)
def test_a_name_is_made_of_the_title(title: str, name: str) -> None:
    from openrouter_toolkit.openapi import Document

    assert import_openapi._name_of(Document({"openapi": "3.0.0", "info": {"title": title}})) == name
