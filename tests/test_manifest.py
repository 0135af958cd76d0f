"""Manifests: the packaged one loads, and a wrong one fails at load time with file, line and reason."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from openrouter_toolkit import ManifestError
from openrouter_toolkit.handlers import account, models
from openrouter_toolkit.manifest import load, packaged_manifest
from openrouter_toolkit.openrouter.keys import why_unfit
from openrouter_toolkit.openrouter.pkce import BrowserLogin

MANIFEST = """\
toolkit:
  slug: TINY
  name: Tiny
  version: "20261124_00"
  description: A toolkit for tests.
  categories: [tests]
  links:
    website: https://tiny.example/
  logo: https://tiny.example/logo.svg
  client: echo_toolkit.client:Echo
auth:
  scheme: API_KEY
  verify: TINY_LEAK
  fields:
    - name: api_key
      title: Key
      required: true
      secret: true
      description: A key.
      environment: TINY_API_KEY
      link: https://tiny.example/keys
actions:
  - schema: schemas/say.json
    handler: echo_toolkit.client:greet
    aliases: [TINY_TELL]
  - schema: schemas/leak.json
    handler: echo_toolkit.client:leak
    credential: api_key
"""


def definition(slug: str) -> dict[str, Any]:
    return {
        "slug": slug,
        "name": "Say",
        "description": "Says a text.",
        "tags": ["talk"],
        "annotations": {
            "title": "Say",
            "readOnlyHint": True,
            "destructiveHint": False,
            "idempotentHint": True,
            "openWorldHint": False,
            "costsMoney": False,
        },
        "input_parameters": {
            "type": "object",
            "properties": {"text": {"type": "string"}, "kind": {"enum": ["loud", "soft"]}},
            "required": ["text"],
            "additionalProperties": False,
        },
        "output_parameters": {"type": "object", "properties": {"data": {"type": "string"}}},
    }


def without_arguments(slug: str) -> dict[str, Any]:
    made = definition(slug)
    made["input_parameters"] = {"type": "object", "properties": {}, "additionalProperties": False}
    return made


class Folder:
    """A good manifest with two schema files, to be made wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path / "toolkit"
        self.manifest = self.path / "manifest.yaml"
        (self.path / "schemas").mkdir(parents=True)
        self.manifest.write_text(MANIFEST, encoding="utf-8")
        self.write("say", definition("TINY_SAY"))
        self.write("leak", without_arguments("TINY_LEAK"))

    def write(self, name: str, content: Any) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        (self.path / "schemas" / f"{name}.json").write_text(text, encoding="utf-8")

    def edit(self, old: str, new: str) -> None:
        text = self.manifest.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is not there once"
        self.manifest.write_text(text.replace(old, new), encoding="utf-8")

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        changed = definition("TINY_SAY")
        change(changed)
        self.write("say", changed)

    def problems(self) -> list[str]:
        with pytest.raises(ManifestError) as caught:
            load(self.manifest)
        assert str(caught.value) == "\n".join(caught.value.problems)
        return caught.value.problems

    def problem(self) -> str:
        (problem,) = self.problems()
        return problem


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# The packaged manifest, and a good one.


def test_the_packaged_manifest_loads() -> None:
    loaded = load()
    assert packaged_manifest().name == "manifest.yaml"
    assert loaded.toolkit.slug == "OPENROUTER"
    assert len(loaded.actions) == len(list((packaged_manifest().parent / "schemas").glob("*.json")))
    assert [field.name for field in loaded.auth.fields] == ["api_key", "management_api_key"]
    assert loaded.check is why_unfit
    assert loaded.browser is BrowserLogin
    assert {action.slug: action.credential for action in loaded.actions if action.credential} == {
        "OPENROUTER_GET_CREDITS": "management_api_key"
    }
    assert {alias for action in loaded.actions for alias in action.aliases} == {
        "OPENROUTER_OPENROUTER_LIST_MODEL_ENDPOINTS",
        "OPENROUTER_OPENROUTER_LIST_PROVIDERS",
    }


ROWS = yaml.safe_load(packaged_manifest().read_text(encoding="utf-8"))["actions"]


def test_each_packaged_row_pairs_a_schema_with_what_its_name_says() -> None:
    for row, action in zip(ROWS, load().actions, strict=True):
        assert action.slug == f"OPENROUTER_{Path(row['schema']).stem.upper()}"
        assert (str(action), repr(action)) == (action.slug, f"<Action {action.slug}>")
        if "handler" in row:
            assert action.slug == f"OPENROUTER_{row['handler'].partition(':')[2].upper()}"


class Asked:
    """A client that notes what it is asked for."""

    def get(self, path: str, arguments: dict[str, Any]) -> str:
        return self.request("GET", path, arguments)

    def request(self, method: str, path: str, arguments: dict[str, Any]) -> str:
        return f"{method} {path} {arguments}"


def test_a_function_that_was_a_handler_sends_the_request_in_its_place() -> None:
    requests = {Path(row["schema"]).stem: row["request"] for row in ROWS if "request" in row}
    functions = {name: function for name, function in {**vars(models), **vars(account)}.items() if name in requests}
    assert len(functions) >= 7
    for name, function in functions.items():
        assert function({"a": 1}, Asked()) == f"{requests[name]} {{'a': 1}}"


# Earlier versions, requests, and parameters that every action takes.


def earlier(folder: Folder, versions: str) -> None:
    folder.edit(
        "  client: echo_toolkit.client:Echo\n", f"  client: echo_toolkit.client:Echo\n  earlier_versions: {versions}\n"
    )


def test_earlier_versions_have_the_actions_that_they_had(folder: Folder) -> None:
    assert load(folder.manifest).toolkit.earlier_versions == {}
    earlier(folder, '{"20250101_00": [TINY_SAY], "20251231_01": [TINY_LEAK, TINY_SAY]}')
    toolkit = load(folder.manifest).toolkit
    assert toolkit.earlier_versions["20250101_00"] == ["TINY_SAY"]
    assert toolkit.versions() == toolkit.versions("TINY_SAY") == ["20261124_00", "20251231_01", "20250101_00"]
    assert toolkit.versions("TINY_LEAK") == ["20261124_00", "20251231_01"]


@pytest.mark.parametrize(
    ("versions", "reason"),
    [
        ('{"20250101_00": [TINY_SAID]}', ": there is no action TINY_SAID"),
        ('{"20250101_00": [tiny_say]}', "[0]: String should match pattern"),
        ('{"1.0": [TINY_SAY]}', ".[key]: a version is a date and a number, like 20261124_00"),
        ('{"20261124_00": [TINY_SAY]}', ": is not earlier than the toolkit's version, 20261124_00"),
        ('{"20250101_00": TINY_SAY}', ": Input should be a valid list"),
    ],
)
def test_an_earlier_version_that_is_wrong(folder: Folder, versions: str, reason: str) -> None:
    earlier(folder, versions)
    problem = folder.problem()
    version = versions.partition(":")[0].strip('{"')
    assert problem.startswith(f"{folder.manifest}:11: toolkit.earlier_versions.{version}{reason}")


LEAK = "    handler: echo_toolkit.client:leak\n"


def requesting(folder: Folder, request: str, client: str = "Requests") -> None:
    folder.edit("echo_toolkit.client:Echo", f"echo_toolkit.requests:{client}")
    folder.edit(LEAK, f"    request: {request}\n")


@pytest.mark.parametrize("client", ["Requests", "Itself", "made"])
def test_an_action_may_be_a_request_that_the_client_sends(folder: Folder, client: str) -> None:
    requesting(folder, "GET /leak", client)
    action = load(folder.manifest).actions[1]
    assert action.handler({"text": "hi"}, Asked()) == "GET /leak {'text': 'hi'}"


@pytest.mark.parametrize("request_line", ["PATCH /say/{text}", "DELETE /v1.0/say-it/{text}/now", "POST /~a"])
def test_a_request_has_a_method_and_a_path_in_which_required_parameters_stand(
    folder: Folder, request_line: str
) -> None:
    requesting(folder, "GET /leak")
    folder.edit("    handler: echo_toolkit.client:greet\n", f"    request: {request_line}\n")
    method, path = request_line.split(" ")
    assert load(folder.manifest).actions[0].handler({}, Asked()) == f"{method} {path} {{}}"


@pytest.mark.parametrize(
    "request_line", ["/leak", "GET", "GET leak", "get /leak", "HEAD /leak", "GET /leak?a=1", "GET /a//b", "GET /{a-b}"]
)
def test_a_request_that_is_none(folder: Folder, request_line: str) -> None:
    requesting(folder, request_line)
    assert folder.problem() == (
        f"{folder.manifest}:27: actions[1].request: a request is a method and a path, such as GET /models/{{author}}"
    )


@pytest.mark.parametrize("client", ["client:Echo", "requests:Unannotated", "requests:Lost", "requests:unknown"])
def test_a_request_that_the_client_can_t_send(folder: Folder, client: str) -> None:
    folder.edit("client:Echo", client)
    folder.edit(LEAK, "    request: GET /leak\n")
    assert folder.problem() == (
        f"{folder.manifest}:27: actions[1].request: {client.partition(':')[2]}.connected is not annotated to return "
        "a class with request(method, path, arguments)"
    )


def test_a_request_without_a_client(folder: Folder) -> None:
    folder.edit("  client: echo_toolkit.client:Echo\n", "")
    folder.edit(LEAK, "    request: GET /leak\n")
    assert folder.problem() == f"{folder.manifest}:26: actions[1].request: there is no toolkit.client to send it"


def test_a_request_whose_path_names_what_need_not_be_given(folder: Folder) -> None:
    requesting(folder, "GET /{lost}/{kind}")
    assert sorted(folder.problems()) == [
        f"{folder.manifest}:27: actions[1].request: {name} is no required parameter of TINY_LEAK"
        for name in ("kind", "lost")
    ]


def test_an_action_has_a_handler_or_a_request_and_not_both(folder: Folder) -> None:
    folder.edit(LEAK, f"    request: GET /leak\n{LEAK}")
    assert folder.problem() == (f"{folder.manifest}:28: actions[1].handler: stands beside a request; leave one out")


COMMON = """\
common_parameters:
  x_title:
    type: string
    description: App.
  trace: {type: boolean}
actions:
"""


def test_common_parameters_come_last_as_extensions(folder: Folder) -> None:
    folder.edit("actions:\n", COMMON)
    properties = load(folder.manifest).actions[0].definition.input_parameters["properties"]
    assert list(properties) == ["text", "kind", "x_title", "trace"]
    assert properties["x_title"] == {"type": "string", "description": "App.", "x-extension": True}
    assert properties["trace"] == {"type": "boolean", "x-extension": True}


@pytest.mark.parametrize("name", ["x_title", "X_Title", "X-Title"])
def test_an_action_names_a_common_parameter_in_its_own_spelling_place_and_words(folder: Folder, name: str) -> None:
    folder.edit("actions:\n", COMMON)
    folder.change(put({name: {}, "Trace": {"x-extension": True, "type": "string"}, "text": {}}, INPUT, "properties"))
    properties = load(folder.manifest).actions[0].definition.input_parameters["properties"]
    assert list(properties.items()) == [
        (name, {"type": "string", "description": "App."}),
        ("Trace", {"type": "string", "x-extension": True}),
        ("text", {}),
    ]


def test_a_common_parameter_is_checked_in_the_actions_that_take_it(folder: Folder) -> None:
    folder.edit("actions:\n", COMMON.replace("boolean", "truth"))
    assert all("properties.trace.type: not a valid JSON Schema" in problem for problem in folder.problems())


def test_a_definition_may_say_what_the_data_holds_in_place_of_the_envelope(folder: Folder) -> None:
    def change(changed: dict[str, Any]) -> None:
        del changed[OUTPUT]
        changed["data"] = {"description": "What was said.", "contentSchema": {"type": "object"}}

    folder.change(change)
    output = load(folder.manifest).actions[0].definition.output_parameters
    assert list(output["properties"]) == ["data", "error", "successful"]
    data = output["properties"]["data"]
    assert (data["type"], data["contentMediaType"], data["contentSchema"]) == (
        "string",
        "application/json",
        {"type": "object"},
    )
    assert data["description"].startswith("What was said. When the call failed: JSON whose error key holds ")


def test_a_good_manifest_loads_from_a_path_or_its_text(folder: Folder) -> None:
    for path in (folder.manifest, str(folder.manifest)):
        loaded = load(path)
        assert [action.slug for action in loaded.actions] == ["TINY_SAY", "TINY_LEAK"]
        assert loaded.client is not None


def test_a_manifest_may_name_what_judges_its_keys_and_a_login_in_the_browser(folder: Folder) -> None:
    assert load(folder.manifest).check is None
    assert load(folder.manifest).browser is None
    both = "  verify: TINY_LEAK\n  check: echo_toolkit.client:why_unfit\n  browser: echo_toolkit.client:Login\n"
    folder.edit("  verify: TINY_LEAK\n", both)
    loaded = load(folder.manifest)
    assert loaded.check is not None
    assert loaded.browser is not None
    assert (loaded.check.__name__, loaded.browser.__name__) == ("why_unfit", "Login")


def test_references_inside_a_schema_are_allowed(folder: Folder) -> None:
    def change(wrong: dict[str, Any]) -> None:
        schema = wrong["input_parameters"]
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["$defs"] = {"word": {"type": "string"}, "tree": {"items": {"$ref": "#/$defs/tree"}}}
        schema["properties"] |= {"word": {"$ref": "#/$defs/word"}, "$ref": {"$ref": "#/$defs/tree"}}

    folder.change(change)
    assert len(load(folder.manifest).actions) == 2


# Wrong in manifest.yaml: the line is told.


EDITS: dict[str, tuple[str, str, int, str]] = {
    "an unknown key at the top": ("auth:\n", "extra: 1\nauth:\n", 11, "extra: unknown key"),
    "an unknown key in toolkit": ("  name: Tiny\n", "  name: Tiny\n  nmae: x\n", 4, "toolkit.nmae: unknown key"),
    "an unknown key in an action": (
        "    aliases: [TINY_TELL]\n",
        "    alias: TINY_TELL\n",
        25,
        "actions[0].alias: unknown key",
    ),
    "an unknown key in a field": (
        "      title: Key\n",
        "      title: Key\n      hidden: true\n",
        17,
        "auth.fields[0].hidden: unknown key",
    ),
    "a missing key in toolkit": ("  name: Tiny\n", "", 1, "toolkit.name: missing"),
    "a missing handler": (
        "    handler: echo_toolkit.client:leak\n",
        "",
        26,
        "actions[1].handler: missing",
    ),
    "a missing schema": ("  - schema: schemas/leak.json\n    handler", "  - handler", 26, "actions[1].schema: missing"),
    "no actions": (MANIFEST[MANIFEST.index("actions:") :], "actions: []\n", 22, "actions: List should have at least 1"),
    "a name that is a number": ("  name: Tiny\n", "  name: 5\n", 3, "toolkit.name: Input should be a valid string"),
    "a required that is a word": ("required: true", "required: sometimes", 17, "auth.fields[0].required: "),
    "a slug in small letters": ("slug: TINY", "slug: tiny", 2, "toolkit.slug: "),
    "a schema file that is missing": ("schemas/leak.json", "schemas/lost.json", 26, "there is no file "),
    "a schema file above the folder": ("schemas/leak.json", "../leak.json", 26, "lies outside the manifest's folder"),
    "a schema file from the root": ("schemas/leak.json", "/etc/passwd", 26, "lies outside the manifest's folder"),
    "a handler that is no import path": ("echo_toolkit.client:leak", "leak", 27, "actions[1].handler: "),
    "a handler's module that is missing": (
        "echo_toolkit.client:leak",
        "echo_toolkit.lost:leak",
        26,
        "actions[1].handler: echo_toolkit.lost:leak can't be imported: ModuleNotFoundError",
    ),
    "a handler that its module lacks": (
        "echo_toolkit.client:leak",
        "echo_toolkit.client:lost",
        26,
        "echo_toolkit.client:lost can't be imported: AttributeError",
    ),
    "a handler that can't be called": (
        "echo_toolkit.client:leak",
        "echo_toolkit.handlers:ANSWER",
        26,
        "echo_toolkit.handlers:ANSWER can't be called, it is a int",
    ),
    "a client that can't be imported": (
        "echo_toolkit.client:Echo",
        "echo_toolkit.client:Ohce",
        10,
        "toolkit.client: echo_toolkit.client:Ohce can't be imported",
    ),
    "a check that is no import path": (
        "  verify: TINY_LEAK\n",
        "  verify: TINY_LEAK\n  check: unfit\n",
        14,
        "auth.check: ",
    ),
    "a check that can't be imported": (
        "  verify: TINY_LEAK\n",
        "  verify: TINY_LEAK\n  check: echo_toolkit.client:lost\n",
        14,
        "auth.check: echo_toolkit.client:lost can't be imported: AttributeError",
    ),
    "a check of nothing": (
        "  verify: TINY_LEAK\n",
        "  check: echo_toolkit.client:why_unfit\n",
        11,
        "auth.check: there is nothing to judge without verify",
    ),
    "a login that can't be called": (
        "  verify: TINY_LEAK\n",
        "  verify: TINY_LEAK\n  browser: echo_toolkit.handlers:ANSWER\n",
        14,
        "auth.browser: echo_toolkit.handlers:ANSWER can't be called",
    ),
    "an alias that is a slug": ("[TINY_TELL]", "[TINY_LEAK]", 26, "TINY_LEAK is there already, in actions[0]"),
    "an alias twice": ("[TINY_TELL]", "[TINY_TELL, TINY_TELL]", 23, "TINY_TELL is there already"),
    "a website over http": (
        "website: https",
        "website: http",
        8,
        "toolkit.links.website: a link must start with https://",
    ),
    "a website that is a script": (
        "https://tiny.example/\n",
        '"javascript:alert(1)"\n',
        8,
        "a link must start with https://",
    ),
    "a website of white space": ("https://tiny.example/\n", '"https:// /"\n', 8, "a link must start with https://"),
    "a logo over http": ("logo: https", "logo: http", 9, "toolkit.logo: a link must start with https://"),
    "a logo that is data": (
        "https://tiny.example/logo.svg",
        "data:image/svg+xml,x",
        9,
        "a link must start with https://",
    ),
    "a field's link over http": (
        "link: https",
        "link: http",
        21,
        "auth.fields[0].link: a link must start with https://",
    ),
    "a version in words": ('"20261124_00"', '"1.0"', 4, "toolkit.version: a version is a date and a number"),
    "a thirteenth month": ('"20261124_00"', '"20261324_00"', 4, "a version is a date and a number"),
    "a day that no month has": ('"20261124_00"', '"20260231_00"', 4, "a version is a date and a number"),
    "a day zero": ('"20261124_00"', '"20261100_00"', 4, "a version is a date and a number"),
    "a version without quotes": ('"20261124_00"', "20261124_00", 4, "toolkit.version: "),
    "a verify that is no action": (
        "verify: TINY_LEAK",
        "verify: TINY_SAID",
        11,
        "verify: there is no action TINY_SAID",
    ),
    "a verify that wants arguments": (
        "verify: TINY_LEAK",
        "verify: TINY_SAY",
        11,
        "auth.verify: TINY_SAY can't be called without arguments",
    ),
    "a credential that is no field": (
        "credential: api_key",
        "credential: password",
        26,
        "actions[1].credential: auth has no field password",
    ),
    "an unknown scheme": ("scheme: API_KEY", "scheme: OAUTH2", 12, "auth.scheme: "),
    "no auth, and fields": ("scheme: API_KEY", "scheme: NO_AUTH", 11, "API_KEY needs at least one field, NO_AUTH none"),
    "a key twice": ("  name: Tiny\n", "  name: Tiny\n  name: Teeny\n", 4, "no valid YAML: the key name stands twice"),
    "a tab": ("  name: Tiny\n", "\tname: Tiny\n", 3, "no valid YAML: "),
    "an open bracket": ("[tests]", "[tests", 7, "no valid YAML: "),
    "a Python object": ("name: Tiny", "name: !!python/name:os.system", 3, "no valid YAML: "),
    "an undefined alias": ("name: Tiny", "name: *lost", 3, "no valid YAML: "),
    "a date that is none": ('"20261124_00"', "2026-13-45", 4, "no valid YAML: "),
    "an integer that is none": ("name: Tiny", "name: !!int many", 3, "no valid YAML: "),
}


@pytest.mark.parametrize(("old", "new", "line", "reason"), EDITS.values(), ids=EDITS)
def test_a_mistake_in_the_manifest_is_told_with_its_line(
    folder: Folder, old: str, new: str, line: int, reason: str
) -> None:
    folder.edit(old, new)
    problem = folder.problem()
    assert problem.startswith(f"{folder.manifest}:{line}: ")
    assert reason in problem


def test_api_key_needs_fields(folder: Folder) -> None:
    start, end = MANIFEST.index("  fields:"), MANIFEST.index("actions:")
    folder.edit(MANIFEST[start:end], "")
    folder.edit("    credential: api_key\n", "")
    assert folder.problem() == f"{folder.manifest}:11: auth.fields: API_KEY needs at least one field, NO_AUTH none"


def test_no_login_without_auth(folder: Folder) -> None:
    start, end = MANIFEST.index("  scheme:"), MANIFEST.index("actions:")
    folder.edit(MANIFEST[start:end], "  scheme: NO_AUTH\n  browser: echo_toolkit.client:Login\n")
    folder.edit("    credential: api_key\n", "")
    assert folder.problem() == f"{folder.manifest}:11: auth.browser: NO_AUTH has no login"


def test_a_slug_twice(folder: Folder) -> None:
    folder.write("leak", definition("TINY_SAY"))
    folder.edit("  verify: TINY_LEAK\n", "")
    assert folder.problem() == f"{folder.manifest}:25: actions[1]: TINY_SAY is there already, in actions[0]"


def test_a_field_twice(folder: Folder) -> None:
    start, end = MANIFEST.index("    - name: api_key"), MANIFEST.index("actions:")
    folder.edit(MANIFEST[start:end], MANIFEST[start:end] * 2)
    assert folder.problem() == f"{folder.manifest}:11: auth.fields: a name is there twice"


def test_a_schema_file_that_a_link_leads_outside(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text(json.dumps(definition("TINY_LEAK")), encoding="utf-8")
    leak = folder.path / "schemas" / "leak.json"
    leak.unlink()
    leak.symlink_to(tmp_path / "secret.json")
    assert folder.problem() == (
        f"{folder.manifest}:26: actions[1].schema: schemas/leak.json lies outside the manifest's folder"
    )


def test_a_schema_file_with_a_name_that_no_file_can_have(folder: Folder) -> None:
    folder.edit("schemas/leak.json", r'"schemas/\0leak.json"')
    problem = folder.problem()
    assert "leak.json" in problem
    assert "null" in problem
    assert problem.isprintable()


def test_a_schema_file_that_is_a_folder(folder: Folder) -> None:
    folder.edit("schemas/leak.json", "schemas")
    problem = folder.problem()
    assert str(folder.path / "schemas") in problem
    assert "irectory" in problem


@pytest.mark.parametrize("ending", ["raise RuntimeError('no database')", "import sys; sys.exit(3)", "1 +"])
def test_a_handler_whose_module_fails_when_imported(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    (tmp_path / "failing_handlers.py").write_text(f"{ending}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    folder.edit("echo_toolkit.client:leak", "failing_handlers:leak")
    problem = folder.problem()
    assert problem.startswith(f"{folder.manifest}:26: actions[1].handler: failing_handlers:leak can't be imported: ")
    assert any(word in problem for word in ("no database", "SystemExit", "SyntaxError"))


# The manifest as a file.


def test_a_manifest_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        load(tmp_path / "lost.yaml")
    assert caught.value.problems == [f"{tmp_path / 'lost.yaml'}: can't be read: No such file or directory"]


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"can't be read: No such file"):
        load(tmp_path)


CONTENTS = {
    "not UTF-8": (b"toolkit: \xff\xfe\n", "can't be read: UnicodeDecodeError"),
    "binary": (bytes(range(256)), "can't be read: UnicodeDecodeError"),
    "control characters": (b"toolkit: \x00\x01\n", "no valid YAML"),
    "empty": (b"", "the whole: Input should be a valid dictionary"),
    "only a comment": (b"# nothing\n", "the whole: Input should be a valid dictionary"),
    "a list": (b"- toolkit\n- auth\n", ":1: the whole: Input should be a valid dictionary"),
    "a word": (b"toolkit", ":1: the whole: Input should be a valid dictionary"),
    "two documents": (MANIFEST.encode() + b"---\nx: 1\n", "no valid YAML: but found another document"),
    "huge nesting": (b"toolkit: " + b"[" * 20_000, "no valid YAML: "),
    "huge nesting, closed": (b"toolkit: " + b"[" * 5_000 + b"]" * 5_000, "no valid YAML: "),
    "a value inside itself": (b"toolkit: &a [*a]\nauth: {}\nactions: *a\n", ":1: toolkit: "),
    "a list as a key": (b"? [a, b]\n: c\n", "no valid YAML: found unhashable key"),
}


@pytest.mark.parametrize(("content", "reason"), CONTENTS.values(), ids=CONTENTS)
def test_a_file_that_is_no_manifest(folder: Folder, content: bytes, reason: str) -> None:
    folder.manifest.write_bytes(content)
    problem = folder.problems()[0]
    assert problem.startswith(f"{folder.manifest}:")
    assert reason in problem


# Wrong in a schema file: the file and the place are told.


FILES: dict[str, tuple[str, str]] = {
    "no JSON": ('{"slug": }', "not valid JSON: Expecting value: line 1 column 10"),
    "empty": ("", "not valid JSON: Expecting value"),
    "a list": ("[]", "the whole: Input should be a valid dictionary"),
    "huge nesting": ("[" * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize(("content", "reason"), FILES.values(), ids=FILES)
def test_a_schema_file_without_a_definition(folder: Folder, content: str, reason: str) -> None:
    folder.write("say", content)
    problem = folder.problem()
    assert problem.startswith(f"{folder.path / 'schemas' / 'say.json'}: ")
    assert reason in problem


def test_a_schema_file_that_is_not_utf_8(folder: Folder) -> None:
    (folder.path / "schemas" / "say.json").write_bytes(b'{"slug": "\xff"}')
    assert "say.json: not valid JSON: 'utf-8' codec can't decode" in folder.problem()


def put(value: Any, *steps: str) -> Callable[[dict[str, Any]], None]:
    """An edit: the value at the end of the steps; without a value, what is there goes."""

    def change(wrong: dict[str, Any]) -> None:
        part = wrong
        for step in steps[:-1]:
            part = part[step]
        part[steps[-1]] = value

    return change


def without(*steps: str) -> Callable[[dict[str, Any]], None]:
    def change(wrong: dict[str, Any]) -> None:
        part = wrong
        for step in steps[:-1]:
            part = part[step]
        del part[steps[-1]]

    return change


INPUT, OUTPUT = "input_parameters", "output_parameters"
TEXT = (INPUT, "properties", "text")
CLOSED = "must be a closed object"
NO_DATA = "data is an object of description and contentSchema, in place of output_parameters"
CHANGES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "data beside the envelope": (put({"description": "x", "contentSchema": {}}, "data"), NO_DATA),
    "data in words": (put("what was said", "data"), NO_DATA),
    "an unknown key": (put("x", "summary"), "summary: unknown key"),
    "a missing key": (without("description"), "description: missing"),
    "a missing annotation": (without("annotations", "readOnlyHint"), "annotations.readOnlyHint: missing"),
    "an unknown annotation": (put(True, "annotations", "readonly"), "annotations.readonly: unknown key"),
    "a tag in capitals": (put(["Talk"], "tags"), "tags[0]: "),
    "a schema that is a list": (put([], INPUT), "input_parameters: Input should be a valid dictionary"),
    "an unknown type": (put("text", *TEXT, "type"), "input_parameters.properties.text.type: not a valid JSON Schema"),
    "a minimum in words": (put("one", *TEXT, "minLength"), "text.minLength: not a valid JSON Schema"),
    "an output that is none": (put("text", OUTPUT, "type"), "output_parameters.type: not a valid JSON Schema"),
    "an open object": (without(INPUT, "additionalProperties"), CLOSED),
    "an object that is opened": (put(True, INPUT, "additionalProperties"), CLOSED),
    "an object closed by a schema": (put({"type": "string"}, INPUT, "additionalProperties"), CLOSED),
    "no object": (put("array", INPUT, "type"), CLOSED),
    "no type": (without(INPUT, "type"), CLOSED),
    "a required that is no property": (put(["text", "lost"], INPUT, "required"), "required: lost is no property"),
    "an address": (put("https://tiny.example/say", INPUT, "$id"), "input_parameters.$id: must be left out"),
    "an address deep inside": (put("https://tiny.example/say", *TEXT, "$id"), "$id: must be left out"),
    "another dialect": (put("http://json-schema.org/draft-07/schema#", INPUT, "$schema"), "$schema: must be left out"),
    "a reference to the web": (put("http://127.0.0.1:9/x", *TEXT, "$ref"), "text.$ref: http://127.0.0.1:9/x leaves"),
    "a secure reference": (put("https://tiny.example/x#/y", *TEXT, "$ref"), "leaves the file"),
    "a reference to a file": (put("file:///etc/passwd", *TEXT, "$ref"), "leaves the file"),
    "a reference to a neighbour": (put("leak.json", *TEXT, "$ref"), "leak.json leaves the file"),
    "a reference to a neighbour's part": (put("./leak.json#/slug", *TEXT, "$ref"), "leaves the file"),
    "a reference without a scheme": (put("//tiny.example/x", *TEXT, "$ref"), "leaves the file"),
    "a dynamic reference": (put("http://127.0.0.1:9/x", *TEXT, "$dynamicRef"), "text.$dynamicRef: http"),
    "a reference at the top": (put("http://127.0.0.1:9/x", INPUT, "$ref"), "input_parameters.$ref: http"),
    "a reference in the output": (put("file:///etc/passwd", OUTPUT, "$ref"), "output_parameters.$ref: file"),
    "a reference in what the output holds": (
        put({"contentSchema": {"$ref": "http://127.0.0.1:9/x"}}, OUTPUT, "properties", "data"),
        "output_parameters.properties.data.contentSchema.$ref: http",
    ),
    "a reference in a list": (
        put({"anyOf": [{"type": "string"}, {"items": {"$ref": "leak.json"}}]}, *TEXT),
        "text.anyOf[1].items.$ref: leak.json leaves the file",
    ),
    "a reference in definitions": (
        put({"a": {"not": {"$ref": "leak.json"}}}, INPUT, "$defs"),
        "input_parameters.$defs.a.not.$ref: leak.json leaves the file",
    ),
    "a reference in a property called default": (
        put({"$ref": "http://127.0.0.1:9/x"}, INPUT, "properties", "default"),
        "input_parameters.properties.default.$ref: http",
    ),
    "a reference in a property called enum": (
        put({"$ref": "file:///etc/passwd"}, INPUT, "properties", "enum"),
        "input_parameters.properties.enum.$ref: file",
    ),
    "a reference to nothing": (put("#/$defs/lost", *TEXT, "$ref"), "text.$ref: #/$defs/lost points at nothing"),
    "a reference to no anchor": (put("#lost", *TEXT, "$ref"), "#lost points at nothing"),
    "a reference into a list, by name": (put("#/required/first", *TEXT, "$ref"), "points at nothing"),
    "a reference through a truth value": (put("#/additionalProperties/x", *TEXT, "$ref"), "points at nothing"),
    "a reference to what is no schema": (put("#/required", *TEXT, "$ref"), "$ref: #/required"),
}


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES)
def test_a_mistake_in_a_schema_is_told_with_its_place(
    folder: Folder, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    folder.change(change)
    problem = folder.problem()
    assert problem.startswith(f"{folder.path / 'schemas' / 'say.json'}: ")
    assert reason in problem


def test_a_schema_nested_too_deeply_to_be_checked(folder: Folder) -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(300):
        deep = {"items": deep}
    folder.change(put(deep, *TEXT))
    assert folder.problem().startswith(f"{folder.path / 'schemas' / 'say.json'}: ")


# Several at once, and nothing from outside.


def test_all_mistakes_of_the_manifest_are_told_at_once(folder: Folder) -> None:
    folder.edit('"20261124_00"', '"1.0"')
    folder.edit("logo: https", "logo: http")
    folder.edit("  - schema: schemas/leak.json\n    handler", "  - handler")
    assert [problem.split(": ")[1] for problem in folder.problems()] == [
        "toolkit.version",
        "toolkit.logo",
        "actions[1].schema",
    ]


def test_all_mistakes_of_what_it_names_are_told_at_once(folder: Folder) -> None:
    folder.edit("echo_toolkit.client:greet", "echo_toolkit.client:lost")
    folder.edit("echo_toolkit.client:Echo", "echo_toolkit.client:Ohce")
    folder.edit("schemas/leak.json", "schemas/lost.json")

    def change(wrong: dict[str, Any]) -> None:
        wrong["input_parameters"]["properties"]["text"] = {"$ref": "http://127.0.0.1:9/x"}
        wrong["output_parameters"]["type"] = "text"

    folder.change(change)
    found = "\n".join(folder.problems())
    for reason in ("client:lost", "client:Ohce", "lost.json", "leaves the file", "output_parameters.type"):
        assert reason in found
    assert len(folder.problems()) == 5


def test_mistakes_across_the_table_are_told_at_once(folder: Folder) -> None:
    folder.edit("[TINY_TELL]", "[TINY_LEAK]")
    folder.edit("credential: api_key", "credential: password")
    folder.edit("verify: TINY_LEAK", "verify: TINY_SAID")
    assert len(folder.problems()) == 3


WATCHED = """
import sys
events = []
def watch(event, arguments):
    if event.startswith("socket.") or event in ("subprocess.Popen", "os.system", "urllib.Request"):
        events.append((event, str(arguments)))
    if event == "open" and "passwd" in str(arguments[0]):
        events.append((event, str(arguments)))
from openrouter_toolkit import ManifestError
from openrouter_toolkit.manifest import load
from openrouter_toolkit.validation.arguments import ArgumentValidator
import echo_toolkit.client
sys.addaudithook(watch)
open("/etc/passwd").close()
assert len(events) == 1, "the hook sees nothing"
events.clear()
try:
    load(sys.argv[1])
    print("loaded")
except ManifestError as error:
    print(error)
for reference in ("http://127.0.0.1:9/x", "file:///etc/passwd", "//127.0.0.1/x", "/etc/passwd"):
    for keyword in ("$ref", "$dynamicRef"):
        schema = {"type": "object", "properties": {"a": {keyword: reference}}, "$id": "file:///etc/"}
        try:
            ArgumentValidator(schema).check("X", {"a": 1})
            print("accepted")
        except Exception as error:
            print(type(error).__name__)
print(events)
"""


def test_no_reference_opens_a_socket_or_a_file(folder: Folder) -> None:
    def change(wrong: dict[str, Any]) -> None:
        wrong["input_parameters"]["properties"] = {
            "text": {"$ref": "http://127.0.0.1:9/x"},
            "kind": {"$dynamicRef": "https://127.0.0.1:9/x"},
            "default": {"$ref": "file:///etc/passwd"},
        }
        wrong["output_parameters"] = {"$id": "file:///etc/", "properties": {"data": {"$ref": "passwd"}}}

    folder.change(change)
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WATCHED), str(folder.manifest)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parent)},
    )
    assert run.stderr == ""
    lines = run.stdout.splitlines()
    assert lines[-1] == "[]"
    assert sum("leaves the file" in line for line in lines) >= 3
    assert "loaded" not in lines
    assert "accepted" not in lines
