"""manifest.yaml and everything it names, read; what is wrong is said at load time, with file and line."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from .checks import contradictions, schema_problems
from .clients import client_problem
from .definitions import Action, Definition, LoadedToolkit, Manifest
from .yaml_lines import LineLoader, line_of

_Model = TypeVar("_Model", bound=BaseModel)


class ManifestError(ValueError):
    """A manifest, or a file it names, is wrong. `problems` has all of them, a line each: file, line, reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def packaged_manifest() -> Path:
    """The manifest that comes with the package: inside it when installed, at the top of a source checkout."""
    package = Path(__file__).parent.parent
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
    named = {}
    for part, name in (("toolkit", "client"), ("auth", "check"), ("auth", "browser")):
        import_path = getattr(getattr(manifest, part), name)
        if import_path is not None:
            where = f"{path}:{line_of(lines, (part, name))}: {part}.{name}"
            found = named[name] = _imported(import_path, where, problems)
            problem = client_problem(found) if name == "client" and found is not None else None
            problems += [f"{where}: {problem}"] if problem else []
    if not problems:
        problems = list(contradictions(path, lines, manifest, actions))
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
        raw = yaml.load(text, Loader=LineLoader)  # noqa: S506 - a SafeLoader that also refuses doubled keys
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        raise ManifestError([f"{path}{line}: no valid YAML: {reason}"]) from None
    return _parsed(Manifest, raw, str(path), lines), lines


def _read_definition(folder: Path, name: str, where: str, problems: list[str], *, trusted: bool) -> Definition | None:
    path = folder / name
    definition = None
    try:
        if "\0" in name:
            wrong = [f"{where}.schema: {name!r} is no file name, it has a null character in it"]
        elif not path.resolve().is_relative_to(folder.resolve()):
            wrong = [f"{where}.schema: {name} lies outside the manifest's folder"]
        else:
            definition = _parsed(Definition, json.loads(path.read_text(encoding="utf-8")), str(path))
            wrong = [] if trusted else _wrong_in(definition, path)
    except FileNotFoundError:
        wrong = [f"{where}.schema: there is no file {path}"]
    except ManifestError as error:
        wrong = error.problems
    except OSError as error:
        wrong = [f"{path}: can't be read: {_reason(error)}"]
    except RecursionError:
        wrong = [f"{path}: no valid JSON: nested too deeply"]
    except ValueError as error:
        wrong = [f"{path}: no valid JSON: {error}"]
    problems += wrong
    return None if wrong else definition


def _wrong_in(definition: Definition, path: Path) -> list[str]:
    try:
        return [f"{path}: {problem}" for problem in schema_problems(definition)]
    except RecursionError:
        return [f"{path}: a schema is nested too deeply"]


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
    return str(problem["msg"]).removeprefix("Value error, ")


def _imported(path: str, where: str, problems: list[str]) -> Any:
    module_name, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything
        problems.append(f"{where}: {path} can't be imported: {_reason(error)}")
        return None
    if not callable(found):
        problems.append(f"{where}: {path} can't be called, it is a {type(found).__name__}")
        return None
    return found


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"
