"""Loads manifest.yaml and everything that it names, and reports all errors with file and line."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from .checks import consistency_problems, schema_problems
from .clients import client_problem
from .definitions import Action, Definition, LoadedToolkit, Manifest
from .yaml_lines import LineLoader, line_of

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
    manifest, lines = _read_manifest(path)
    problems: list[str] = []
    actions: list[Action] = []
    for number, entry in enumerate(manifest.actions):
        where = f"{path}:{line_of(lines, ('actions', number))}: actions[{number}]"
        handler = _import(entry.handler, f"{where}.handler", problems)
        definition = _read_definition(path.parent, entry.schema_file, where, problems, trusted=packaged)
        if handler is not None and definition is not None:
            actions.append(Action(definition, entry, handler))
    named = {}
    for part, name in (("toolkit", "client"), ("auth", "check"), ("auth", "browser")):
        import_path = getattr(getattr(manifest, part), name)
        if import_path is not None:
            where = f"{path}:{line_of(lines, (part, name))}: {part}.{name}"
            imported = named[name] = _import(import_path, where, problems)
            problem = client_problem(imported) if name == "client" and imported is not None else None
            problems += [f"{where}: {problem}"] if problem else []
    if not problems:
        problems = list(consistency_problems(path, lines, manifest, actions))
    if problems:
        raise ManifestError(problems)
    return LoadedToolkit(manifest, actions, named.get("client"), named.get("check"), named.get("browser"))


def _read_manifest(path: Path) -> tuple[Manifest, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError([f"{path}: can't be read: {_reason(error)}"]) from None
    try:
        lines = LineLoader(text).get_single_node()
        raw = yaml.load(text, Loader=LineLoader)  # noqa: S506 - a SafeLoader that also refuses duplicate keys
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        raise ManifestError([f"{path}{line}: no valid YAML: {reason}"]) from None
    return _parse(Manifest, raw, str(path), lines), lines


def _read_definition(folder: Path, name: str, where: str, problems: list[str], *, trusted: bool) -> Definition | None:
    path = folder / name
    definition = None
    try:
        if "\0" in name:
            errors = [f"{where}.schema: {name!r} is no file name, it has a null character in it"]
        elif not path.resolve().is_relative_to(folder.resolve()):
            errors = [f"{where}.schema: {name} lies outside the manifest's folder"]
        else:
            definition = _parse(Definition, json.loads(path.read_text(encoding="utf-8")), str(path))
            errors = [] if trusted else _schema_errors(definition, path)
    except FileNotFoundError:
        errors = [f"{where}.schema: there is no file {path}"]
    except ManifestError as error:
        errors = error.problems
    except OSError as error:
        errors = [f"{path}: can't be read: {_reason(error)}"]
    except RecursionError:
        errors = [f"{path}: not valid JSON: nested too deeply"]
    except ValueError as error:
        errors = [f"{path}: not valid JSON: {error}"]
    problems += errors
    return None if errors else definition


def _schema_errors(definition: Definition, path: Path) -> list[str]:
    try:
        return [f"{path}: {problem}" for problem in schema_problems(definition)]
    except RecursionError:
        return [f"{path}: a schema is nested too deeply"]


def _parse(model: type[_Model], raw: Any, name: str, lines: Any = None) -> _Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = []
        for problem in error.errors(include_url=False, include_input=False):
            steps = problem["loc"]
            line = "" if lines is None else f":{line_of(lines, steps)}"
            path = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).lstrip(".")
            problems.append(f"{name}{line}: {path or 'the whole'}: {_error_message(problem)}")
        raise ManifestError(problems) from None


def _error_message(problem: Any) -> str:
    pattern = problem.get("ctx", {}).get("pattern", "")
    if problem["type"] == "extra_forbidden":
        return "unknown key"
    if problem["type"] == "missing":
        return "missing"
    if pattern.startswith("^https://"):
        return "a link must start with https://"
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
