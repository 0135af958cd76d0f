"""Parses manifest.yaml and everything that it names, and reports all errors with file and line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from .checks import consistency_problems, schema_problems
from .clients import client_problem
from .definitions import ActionRows, Definition, LoadedToolkit, imported
from .errors import ManifestError
from .file_models import ManifestFile, SchemaFile
from .toolsets import DOCUMENTED
from .yaml_lines import YamlFile, dotted

_Model = TypeVar("_Model", bound=BaseModel)


class Parsed(NamedTuple):
    """A manifest whose files were parsed each by itself: `data` and `further` are what `LoadedToolkit.from_data` takes.

    `further` has the actions of the further toolsets, by name.
    """

    source: YamlFile
    manifest: ManifestFile
    data: dict[str, Any]
    further: ActionRows
    problems: list[str]

    def load(self) -> LoadedToolkit:
        """The toolkit, whose parts are not checked against each other."""
        return LoadedToolkit.from_data(self.data, self.further)


def parse(path: Path, *, check_schemas: bool) -> Parsed:
    """Parse a manifest and its schema files; import nothing that they name, and list what is wrong with the latter.

    Raises:
        ManifestError: the manifest itself is invalid, with all its problems, each with its file and line.
    """
    source = _read_yaml(path)
    manifest = _parse(ManifestFile, source.content, source.where)
    actions: ActionRows = {DOCUMENTED: [], **{name: [] for name in manifest.toolsets}}
    problems: list[str] = []
    for steps, entry, toolset in manifest.rows():
        where = source.where(*steps)
        try:
            definition = _read_definition(path.parent, entry.schema_file, where, manifest, check=check_schemas)
        except ManifestError as error:
            problems += error.problems
        else:
            actions[toolset].append((definition.model_dump(), entry.model_dump(exclude={"schema_file"})))
    data = {
        "toolkit": manifest.toolkit.model_dump(),
        "auth": manifest.auth.model_dump(),
        "actions": actions.pop(DOCUMENTED),
        "toolsets": [
            {"name": name, "size": len(part.actions), **part.model_dump(exclude={"actions"})}
            for name, part in manifest.toolsets.items()
        ],
    }
    return Parsed(source, manifest, data, actions, problems)


def check_parts(parsed: Parsed) -> LoadedToolkit:
    """Import everything that a parsed manifest names, and check that its parts fit each other.

    Raises:
        ManifestError: with all problems, each with its file and, for YAML, its line.
    """
    source, manifest = parsed.source, parsed.manifest
    problems = [*parsed.problems, *_import_problems(source, manifest)]
    if problems:
        raise ManifestError(problems)
    loaded = parsed.load()
    problems += consistency_problems(source, manifest, loaded)
    if problems:
        raise ManifestError(problems)
    return loaded


def names_code(manifest: ManifestFile) -> bool:
    """Whether a manifest names anything that has to be imported."""
    named = [manifest.auth.check, manifest.auth.browser, *(row.entry.handler for row in manifest.rows())]
    return isinstance(manifest.toolkit.client, str) or any(named)


def _import_problems(source: YamlFile, manifest: ManifestFile) -> Iterator[str]:
    """Yield the import paths that can't be imported or called, and a client that handlers can't use."""
    client = source.where("toolkit", "client")
    named = [
        (manifest.toolkit.client if isinstance(manifest.toolkit.client, str) else None, client),
        (manifest.auth.check, source.where("auth", "check")),
        (manifest.auth.browser, source.where("auth", "browser")),
    ]
    handlers = [(row.entry.handler, f"{source.where(*row.steps)}.handler") for row in manifest.rows()]
    for path, where in (*named, *handlers):
        try:
            found = imported(path)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a third-party module may raise anything
            yield f"{where}: {path} can't be imported: {_reason(error)}"
            continue
        if path is not None and not callable(found):
            yield f"{where}: {path} can't be called, it is a {type(found).__name__}"
        elif path is not None and where is client and (problem := client_problem(found)):
            yield f"{where}: {problem}"


def _read_yaml(path: Path) -> YamlFile:
    try:
        return YamlFile(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError([f"{path}: can't be read: {_reason(error)}"]) from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        raise ManifestError([f"{path}{line}: no valid YAML: {reason}"]) from None


def _read_definition(folder: Path, name: str, where: str, manifest: ManifestFile, *, check: bool) -> Definition:
    path = folder / name
    if "\0" in name:
        raise ManifestError([f"{where}.schema: {name!r} is no file name, it has a null character in it"])
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ManifestError([f"{where}.schema: {name} lies outside the manifest's folder"])
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestError([f"{where}.schema: there is no file {path}"]) from None
    except OSError as error:
        raise ManifestError([f"{path}: can't be read: {_reason(error)}"]) from None
    except (RecursionError, ValueError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ManifestError([f"{path}: not valid JSON: {reason}"]) from None
    parsed = _parse(SchemaFile, content, lambda *steps: f"{path}: {dotted(steps)}")
    definition = Definition.from_data(parsed.model_dump()).with_parameters(manifest.common_parameters)
    try:
        problems = [f"{path}: {problem}" for problem in schema_problems(definition)] if check else []
    except RecursionError:
        problems = [f"{path}: a schema is nested too deeply"]
    if problems:
        raise ManifestError(problems)
    return definition


def _parse(model: type[_Model], raw: Any, where: Callable[..., str]) -> _Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise ManifestError(
            [f"{where(*_without_tags(problem['loc']))}: {_error_message(problem)}" for problem in problems]
        ) from None


def _without_tags(steps: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The path of a value, without pydantic's names of alternatives; here those stand in parentheses."""
    return tuple(step for step in steps if not str(step).startswith("("))


def _error_message(problem: Any) -> str:
    pattern = problem.get("ctx", {}).get("pattern", "")
    if problem["type"] == "extra_forbidden":
        return "unknown key"
    if problem["type"] == "missing":
        return "missing"
    if pattern.startswith("^https://"):
        return "a link must start with https://"
    if pattern.startswith("^(GET"):
        return "a request is a method and a path, such as GET /models/{author}"
    return str(problem["msg"]).removeprefix("Value error, ")


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"
