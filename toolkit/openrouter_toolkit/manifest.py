"""manifest.yaml and its schemas, read into typed definitions; what is wrong with them is said at load time."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from .validation import ArgumentValidator
from .yaml_lines import LineLoader, line_of

Slug = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$", max_length=64)]
Text = Annotated[str, StringConstraints(min_length=1)]
Link = Annotated[str, StringConstraints(pattern=r"^https://[^\s/]+(/\S*)?$")]
Version = Annotated[str, StringConstraints(pattern=r"^20\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])_\d\d$")]
ImportPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


_Model = TypeVar("_Model", bound=BaseModel)


class ManifestError(ValueError):
    """A manifest, or a file it names, is wrong. `problems` has all of them, a line each: file, line, reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Toolkit(_Part):
    """What is listed: the toolkit's name, version and links, and the factory of its handlers' client."""

    slug: Slug
    name: Text
    version: Version
    description: Text
    categories: list[Text] = Field(min_length=1)
    links: dict[str, Link]
    logo: Link | None = None
    client: ImportPath | None = None


class AuthField(_Part):
    """One thing that an account consists of, such as an API key."""

    name: Text
    title: Text
    required: bool
    secret: bool
    description: Text
    environment: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    link: Link | None = None
    steps: list[Text] = []


class Auth(_Part):
    """How an account is connected: the scheme, its fields, and the action that proves that a key works."""

    scheme: Literal["API_KEY", "NO_AUTH"]
    fields: list[AuthField] = []
    verify: Slug | None = None


class ActionEntry(_Part):
    """A row of the manifest's table: the schema's file, its handler, and what only the registry needs to know."""

    schema_file: Text = Field(alias="schema")
    handler: ImportPath
    credential: Text | None = None
    aliases: list[Slug] = []


class Manifest(_Part):
    """manifest.yaml as a whole."""

    toolkit: Toolkit
    auth: Auth
    actions: list[ActionEntry] = Field(min_length=1)


class Annotations(_Part):
    """MCP's hints about an action, and whether a call costs money."""

    title: Text
    readOnlyHint: bool  # noqa: N815 - MCP's own names
    destructiveHint: bool  # noqa: N815
    idempotentHint: bool  # noqa: N815
    openWorldHint: bool  # noqa: N815
    costsMoney: bool  # noqa: N815


class Definition(_Part):
    """A schema file: one action as a model sees it."""

    slug: Slug
    name: Text
    description: Text
    tags: list[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]]
    annotations: Annotations
    input_parameters: dict[str, Any]
    output_parameters: dict[str, Any]


class Action:
    """An action ready for the registry: its definition, paired with its handler."""

    def __init__(self, definition: Definition, entry: ActionEntry, handler: Callable[..., str]) -> None:
        self.definition = definition
        self.handler = handler
        self.credential = entry.credential
        self.aliases = entry.aliases

    def __str__(self) -> str:
        return self.slug

    def __repr__(self) -> str:
        return f"<Action {self.slug}>"

    @property
    def slug(self) -> str:
        """The name by which agents call it."""
        return self.definition.slug

    @property
    def tags(self) -> list[str]:
        """What it has to do with; a toolset can be chosen by these."""
        return self.definition.tags

    @property
    def read_only(self) -> bool:
        """Whether it changes nothing anywhere."""
        return self.definition.annotations.readOnlyHint

    @cached_property
    def validator(self) -> ArgumentValidator:
        """Its `input_parameters`, compiled at the first call."""
        return ArgumentValidator(self.definition.input_parameters)


class LoadedToolkit:
    """A manifest with everything that it names: the listing, the auth scheme, the actions in order."""

    def __init__(self, manifest: Manifest, actions: list[Action], client: Callable[..., Any] | None) -> None:
        self.toolkit = manifest.toolkit
        self.auth = manifest.auth
        self.actions = actions
        self.client = client


def packaged_manifest() -> Path:
    """The manifest that comes with the package: inside it when installed, at the top of a source checkout."""
    package = Path(__file__).parent
    inside = package / "manifest.yaml"
    return inside if inside.exists() else package.parent.parent / "manifest.yaml"


def load(path: Path | str | None = None) -> LoadedToolkit:
    """Read a manifest and everything it names; the packaged one when no path is given.

    The packaged schemas are held against JSON Schema by the tests, not again at each start.

    Raises:
        ManifestError: with every problem found, each with its file and, for YAML, its line.
    """
    packaged = path is None
    path = packaged_manifest() if path is None else Path(path)
    manifest, lines = _read_manifest(path)
    problems: list[str] = []
    actions: list[Action] = []
    for number, entry in enumerate(manifest.actions):
        where = f"{path}:{line_of(lines, ('actions', number))}: actions[{number}]"
        handler = _imported(entry.handler, f"{where}.handler", problems)
        definition = _read_definition(path.parent, entry.schema_file, where, problems, trusted=packaged)
        if handler is not None and definition is not None:
            actions.append(Action(definition, entry, handler))
    client = None
    if manifest.toolkit.client is not None:
        where = f"{path}:{line_of(lines, ('toolkit', 'client'))}: toolkit.client"
        client = _imported(manifest.toolkit.client, where, problems)
    if not problems:
        problems = list(_contradictions(path, lines, manifest, actions))
    if problems:
        raise ManifestError(problems)
    return LoadedToolkit(manifest, actions, client)


def _read_manifest(path: Path) -> tuple[Manifest, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError([f"{path}: can't be read: {_reason(error)}"]) from None
    try:
        lines = LineLoader(text).get_single_node()
        raw = yaml.load(text, Loader=LineLoader)  # noqa: S506 - a SafeLoader that also refuses doubled keys
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        raise ManifestError([f"{path}{line}: no valid YAML: {reason}"]) from None
    return _parsed(Manifest, raw, str(path), lines), lines


def _read_definition(folder: Path, name: str, where: str, problems: list[str], *, trusted: bool) -> Definition | None:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        problems.append(f"{where}.schema: {name} lies outside the manifest's folder")
        return None
    try:
        definition = _parsed(Definition, json.loads(path.read_text(encoding="utf-8")), str(path))
    except FileNotFoundError:
        problems.append(f"{where}.schema: there is no file {path}")
    except (OSError, ValueError, RecursionError) as error:
        problems += error.problems if isinstance(error, ManifestError) else [f"{path}: no valid JSON: {error}"]
    else:
        wrong = [f"{path}: {problem}" for problem in (() if trusted else _schema_problems(definition))]
        problems += wrong
        return None if wrong else definition
    return None


def _parsed(model: type[_Model], raw: Any, name: str, lines: Any = None) -> _Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = []
        for problem in error.errors(include_url=False, include_input=False):
            steps = problem["loc"]
            line = "" if lines is None else f":{line_of(lines, steps)}"
            path = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).lstrip(".")
            problems.append(f"{name}{line}: {path or 'the whole'}: {_said(problem)}")
        raise ManifestError(problems) from None


def _said(problem: Any) -> str:
    pattern = problem.get("ctx", {}).get("pattern", "")
    if problem["type"] == "extra_forbidden":
        return "unknown key"
    if problem["type"] == "missing":
        return "missing"
    if pattern.startswith("^https://"):
        return "a link must start with https://"
    if pattern.startswith("^20"):
        return "a version is a date and a number, like 20261124_00"
    return str(problem["msg"])


def _schema_problems(definition: Definition) -> Iterator[str]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only a foreign manifest must pay for it
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415

    for part in ("input_parameters", "output_parameters"):
        schema = getattr(definition, part)
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            place = "".join(f".{step}" for step in error.absolute_path)
            yield f"{part}{place}: no valid JSON Schema: {error.message}"
            continue
        yield from (f"{part}{problem}" for problem in _reference_problems(schema, schema))
    root = definition.input_parameters
    if root.get("type") != "object" or root.get("additionalProperties") is not False:
        yield 'input_parameters: must be a closed object ("type": "object", "additionalProperties": false)'
    elif missing := set(root.get("required", ())) - set(root.get("properties", ())):
        yield f"input_parameters.required: {', '.join(sorted(missing))} is no property"


def _reference_problems(node: Any, root: Any, place: str = "") -> Iterator[str]:
    """References may point inside the file only: a validator must never fetch anything."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _reference_problems(item, root, f"{place}[{number}]")
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if name in ("$ref", "$dynamicRef") and isinstance(value, str):
            if not value.startswith("#"):
                yield f"{place}.{name}: {value} leaves the file; only #/... is allowed"
            elif not _resolves(value, root):
                yield f"{place}.{name}: {value} points at nothing"
        elif name in ("$id", "$schema") and place == "" and isinstance(value, str):
            if name == "$id" or value != "https://json-schema.org/draft/2020-12/schema":
                yield f".{name}: must be left out; schemas are JSON Schema 2020-12 and have no address"
        elif name not in ("const", "enum", "default", "examples"):
            yield from _reference_problems(value, root, f"{place}.{name}")


def _resolves(reference: str, root: Any) -> bool:
    from referencing.exceptions import Unresolvable  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    resolver = DRAFT202012.create_resource(root)
    try:
        from referencing import Registry  # noqa: PLC0415

        Registry().with_resource("", resolver).resolver("").lookup(reference)
    except Unresolvable:
        return False
    return True


def _imported(path: str, where: str, problems: list[str]) -> Any:
    module_name, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except Exception as error:  # noqa: BLE001 - importing runs a stranger's module, which may raise anything
        problems.append(f"{where}: {path} can't be imported: {_reason(error)}")
        return None
    if not callable(found):
        problems.append(f"{where}: {path} can't be called, it is a {type(found).__name__}")
        return None
    return found


def _contradictions(path: Path, lines: Any, manifest: Manifest, actions: list[Action]) -> Iterator[str]:
    names: dict[str, int] = {}
    fields = [field.name for field in manifest.auth.fields]
    for number, action in enumerate(actions):
        where = f"{path}:{line_of(lines, ('actions', number))}: actions[{number}]"
        for name in (action.slug, *action.aliases):
            if name in names:
                yield f"{where}: {name} is there already, in actions[{names[name]}]"
            names[name] = number
        if action.credential is not None and action.credential not in fields:
            yield f"{where}.credential: auth has no field {action.credential}"
    auth = f"{path}:{line_of(lines, ('auth',))}: auth"
    slugs = [action.slug for action in actions]
    if manifest.auth.verify is not None and manifest.auth.verify not in slugs:
        yield f"{auth}.verify: there is no action {manifest.auth.verify}"
    if (manifest.auth.scheme == "API_KEY") != bool(fields):
        yield f"{auth}.fields: API_KEY needs at least one field, NO_AUTH none"
    if len(set(fields)) < len(fields):
        yield f"{auth}.fields: a name is there twice"


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"
