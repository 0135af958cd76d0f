"""The lines of `bulk`: from a file of JSON lines, from standard input, or from a table by a template."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..bulk.rows import Source, json_lines
from ..bulk.templates import Template, filled
from ..manifest import Action
from ..text.sanitize import clean
from .action_arguments import read_arguments
from .terminal import CommandFailed, usage_error


@contextmanager
def opened(options: argparse.Namespace, action: Action) -> Iterator[Source]:
    """A context with the lines; standard input is copied, since it is read twice.

    Raises:
        CommandFailed: the options don't go together, or the file can't be read (status 2).
    """
    if (options.template is None) != (options.model is None):
        raise usage_error("--template and --model go together: the template makes the prompt, the model answers it")
    if options.template is None and options.id_column is not None:
        raise usage_error("--id-column names a column of the table that --template takes")
    defaults = read_arguments(options.arguments)
    if options.file == "-":
        if options.template is not None:
            raise usage_error("--template takes a file, whose ending says what it is: .csv, .jsonl or .parquet")
        with tempfile.TemporaryDirectory() as folder:
            yield json_lines(_copy_of_input(Path(folder)), defaults)
        return
    path = Path(options.file)
    _check_readable(path)
    if options.template is None and path.suffix.lower() in (".csv", ".parquet"):
        raise usage_error(f"{clean(path.name)} is a table: say by --template and --model what to ask for each row")
    if options.template is None:
        yield json_lines(path, defaults)
        return
    try:
        template = Template(options.template)
        make = _arguments_of(action, options.model, defaults)
        source = filled(path, template, make, options.id_column)
    except ValueError as error:
        raise usage_error(str(error)) from None
    except ImportError as error:
        raise CommandFailed(str(error)) from None
    yield source


def _arguments_of(action: Action, model: str, defaults: dict[str, Any]) -> Any:
    """The function that makes a call's arguments of a prompt, as the action takes it."""
    parameters = action.definition.input_parameters.get("properties", {})
    if "model" not in parameters or not parameters.keys() & {"messages", "prompt"}:
        raise ValueError(f"{action.slug} takes no prompt for a model, so --template makes nothing for it")

    def make(prompt: str) -> dict[str, Any]:
        if "messages" in parameters:
            return {**defaults, "model": model, "messages": [{"role": "user", "content": prompt}]}
        return {**defaults, "model": model, "prompt": prompt}

    return make


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise usage_error(f"the file {clean(str(path))} can't be read: {reason}") from None


def _copy_of_input(folder: Path) -> Path:
    if sys.stdin is None:
        raise usage_error("- reads standard input, and there is none")
    copy = folder / "standard input"
    with copy.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return copy
