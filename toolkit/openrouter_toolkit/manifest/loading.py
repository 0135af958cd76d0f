"""Loads manifest.yaml and everything that it names, and reports all errors with file and line."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from .checks import consistency_problems, schema_problems
from .clients import client_problem, request_handler
from .definitions import Action, Definition, LoadedToolkit, Manifest
from .yaml_lines import YamlFile, dotted

_Model = TypeVar("_Model", bound=BaseModel)


class ManifestError(ValueError):
    """A manifest, or a file it names, is invalid. `problems` lists all problems, one line each: file, line, reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def packaged_manifest() -> Path:
    """Return the path of the packaged manifest: in the installed package, or at the top of a source checkout."""
    package = Path(__file__).parent.parent
    inside = package / "manifest.yaml"
    return inside if inside.exists() else package.parent.parent / "manifest.yaml"


def load(path: Path | str | None = None) -> LoadedToolkit:
    """Load a manifest and everything that it names; by default the packaged one.

    The packaged schemas are validated by the tests, and not again at each start.

    Raises:
        ManifestError: with all problems, each with its file and, for YAML, its line.
    """
    packaged = path is None
    path = packaged_manifest() if path is None else Path(path)
    source = _read_yaml(path)
    manifest = _parse(Manifest, source.content, source.where)
    problems: list[str] = []
    named: dict[str, Any] = {}
    for part, name in (("toolkit", "client"), ("auth", "check"), ("auth", "browser")):
        import_path = getattr(getattr(manifest, part), name)
        named[name] = None if import_path is None else _import(import_path, source.where(part, name), problems)
    if named["client"] is not None and (problem := client_problem(named["client"])):
        problems.append(f"{source.where('toolkit', 'client')}: {problem}")
    actions: list[Action] = []
    for number, entry in enumerate(manifest.actions):
        where = source.where("actions", number)
        if entry.request is not None:
            handler = request_handler(entry.request)
        else:
            handler = _import(entry.handler or "", f"{where}.handler", problems)
        try:
            definition = _read_definition(path.parent, entry.schema_file, where, manifest, trusted=packaged)
        except ManifestError as error:
            problems += error.problems
        else:
            actions.append(Action(definition, entry, handler))
    loaded = LoadedToolkit(manifest, actions, **named)
    if not problems:
        problems = list(consistency_problems(source, manifest, loaded))
    if problems:
        raise ManifestError(problems)
    return loaded


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


def _read_definition(folder: Path, name: str, where: str, manifest: Manifest, *, trusted: bool) -> Definition:
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
    definition = _parse(Definition, content, lambda *steps: f"{path}: {dotted(steps)}")
    definition = definition.with_parameters(manifest.common_parameters)
    try:
        problems = [] if trusted else [f"{path}: {problem}" for problem in schema_problems(definition)]
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
        raise ManifestError([f"{where(*problem['loc'])}: {_error_message(problem)}" for problem in problems]) from None


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


def _import(path: str, where: str, problems: list[str]) -> Any:
    module_name, _, name = path.partition(":")
    try:
        imported = getattr(importlib.import_module(module_name), name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a third-party module may raise anything
        problems.append(f"{where}: {path} can't be imported: {_reason(error)}")
        return None
    if not callable(imported):
        problems.append(f"{where}: {path} can't be called, it is a {type(imported).__name__}")
        return None
    return imported


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"
