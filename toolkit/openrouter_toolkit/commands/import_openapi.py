"""`import-openapi`: write a toolkit from an API's OpenAPI document, to be edited."""

from __future__ import annotations

import argparse
import re
import secrets
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..http.base_url import base_url_problem
from .new_toolkit import checked_name, folder_name
from .terminal import PROGRAM, CommandFailed, check_input, print_line, print_message, print_table, usage_error

if TYPE_CHECKING:
    from ..openapi import Document, Imported, Operation

# Words of a title that say what every document is.
_EMPTY_WORDS = re.compile(
    r"\b(?:the|rest|http|web|public|open|api|apis|openapi|swagger|specification|spec)\b|v?\d+(\.\d+)+", re.IGNORECASE
)
_MAX_NAME = 40
_MAX_SHOWN = 8
_MAX_NOTES = 15
# The largest file that is read into memory; less may be taken, by kind.
_MAX_BYTES = 64 * 1024 * 1024


def import_openapi(options: argparse.Namespace) -> int:
    """Read the document, choose operations, write the toolkit, and report what there is to do."""
    from ..openapi import Document, UnknownOperation, WrongDocument, choose, operations

    base_url = None if options.base_url is None else check_input(_base_url, "--base-url", options.base_url)
    try:
        document = Document.parse(_read(options.file), name=options.file)
        everything = operations(document)
        if options.list:
            return _print_tags(document, everything)
        chosen = choose(everything, tags=options.tag, ids=options.operation, read_only=options.read_only)
        return _write(document, everything, chosen, options, base_url)
    except WrongDocument as error:
        raise CommandFailed(f"{options.file}: {error}") from None
    except UnknownOperation as error:
        raise usage_error(str(error)) from None


def _read(file: str) -> bytes:
    if re.match(r"https?://", file, re.IGNORECASE):
        raise usage_error(
            "FILE: nothing is fetched; save the document first, for example by curl --location, and name the file"
        )
    if file == "-":
        data = sys.stdin.buffer.read(_MAX_BYTES + 1)
    else:
        with Path(file).open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    if not data.strip():
        raise CommandFailed(f"{file}: there is nothing in it")
    return data


def _base_url(url: str) -> str:
    problem = base_url_problem(url)
    if problem is not None:
        raise ValueError(problem)
    return url.rstrip("/")


def _print_tags(document: Document, everything: list[Operation]) -> int:
    from ..openapi import tags
    from ..openapi.wording import plain

    print_table(
        [
            {
                "tag": row.name or "-",
                "operations": str(row.operations),
                "read-only": str(row.read_only),
                "description": plain(row.description, 80),
            }
            for row in tags(document, everything)
        ]
    )
    return 0


def _write(
    document: Document,
    everything: list[Operation],
    chosen: list[Operation],
    options: argparse.Namespace,
    base_url: str | None,
) -> int:
    from ..manifest import load
    from ..openapi import import_toolkit

    given = _name_of(document) if options.name is None else options.name
    name, slug = checked_name("--name", given)
    folder = Path(
        folder_name(slug) if options.directory is None else check_input(str, "--directory", options.directory)
    )
    _check_free(folder)
    imported = import_toolkit(document, everything, chosen, name=name, slug=slug, base_url=base_url)
    unfinished = _write_beside(folder, imported.files)
    try:
        load(unfinished, check_schemas=False)  # each was when it was made
        _put(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    _report(imported, chosen, folder)
    return 0


def _name_of(document: Document) -> str:
    """A name by the document's title, without the words that every title has."""
    title = document.info.get("title")
    words = re.findall(r"[A-Za-z0-9]+", _EMPTY_WORDS.sub(" ", title)) if isinstance(title, str) else []
    while words and (words[0][0].isdecimal() or len(" ".join(words)) > _MAX_NAME):
        words = words[1:] if words[0][0].isdecimal() else words[:-1]
    if not words:
        raise usage_error("the document's title makes no name; give one by --name")
    return " ".join(words)


def _check_free(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise CommandFailed(f"{folder} exists already, so nothing was written; choose another --directory")


def _write_beside(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files to a hidden folder beside the one that they are for, so that this appears whole or not at all.

    Where that folder exists and is empty, such as the current one, the hidden one is in it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = (folder if folder.exists() else folder.parent) / f".{folder.name}-{secrets.token_hex(4)}"
    try:
        for path, text in files.items():
            place = unfinished / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return unfinished


def _put(unfinished: Path, folder: Path) -> None:
    if not folder.exists():
        unfinished.rename(folder)
        return
    for path in sorted(unfinished.iterdir(), reverse=True):
        path.rename(folder / path.name)


def _report(imported: Imported, chosen: list[Operation], folder: Path) -> None:
    print_line(str(folder / "manifest.yaml"))
    print_message(f"Wrote {len(imported.slugs)} actions of {len(chosen)} operations; the toolkit loads.")
    for reason, ids in imported.skipped.items():
        print_message(f"Skipped {_some(list(ids))}: {reason}.")
    for note in imported.notes[:_MAX_NOTES]:
        print_message(f"Look at: {note}.")
    if len(imported.notes) > _MAX_NOTES:
        print_message(f"Look at: {len(imported.notes) - _MAX_NOTES} more things, which the README has.")
    if len(imported.slugs) > 100:
        print_message("Look at: this is more than a model can choose from; import some tags alone, or use --allow.")
    print_message(f"Try it: {PROGRAM} actions --manifest {shlex.quote(str(folder))}; the README has more.")


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_MAX_SHOWN])
    return f"{len(names)} ({shown}{', …' if len(names) > _MAX_SHOWN else ''})"
