"""`new-toolkit`: write a small toolkit that runs, to be changed into one's own."""

from __future__ import annotations

import argparse
import re
import shlex
from datetime import UTC, datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ..manifest import load
from .terminal import PROGRAM, CommandFailed, check_input, print_line, print_message, usage_error

_MAX_SLUG = 40


def new_toolkit(options: argparse.Namespace) -> int:
    """Write the files; nothing that exists is changed."""
    name, slug = checked_name("NAME", options.name)
    host = folder_name(slug)
    words = {
        "SLUG": slug,
        "NAME": name,
        "HOST": host,
        "TEST": f"test_{slug.lower()}.py",
        "VERSION": f"{datetime.now(UTC):%Y%m%d}_00",
    }
    folder = Path(host if options.directory is None else check_input(str, "--directory", options.directory))
    contents = {folder / path: text for path, text in _filled(words).items()}
    existing = [str(path) for path in contents if path.exists()]
    if existing:
        raise CommandFailed(f"{', '.join(existing)} exists already, so nothing was written; choose another --directory")
    for path, text in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print_line(str(path))
    print_message(f"Try it: {PROGRAM} actions --manifest {shlex.quote(str(folder))}; the README has more.")
    return 0


def checked_name(option: str, text: str) -> tuple[str, str]:
    """A new toolkit's name and its slug. Raises `CommandFailed` (status 2) for a name that can't be one."""
    name = check_input(_name, option, text)
    slug = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", slug) or len(slug) > _MAX_SLUG:
        raise usage_error(f"{option}: give a name that begins with a letter, of {_MAX_SLUG} characters at most")
    if slug == load().toolkit.slug:
        raise usage_error(f"{option}: the slug {slug} is that of the packaged toolkit; choose another name")
    return name, slug


def folder_name(slug: str) -> str:
    """The name of a new toolkit's folder: `open-meteo`."""
    return slug.lower().replace("_", "-")


def _filled(words: dict[str, str]) -> dict[str, str]:
    """The files by their paths in the new folder, with the words put in."""
    templates = files(__package__).joinpath("new_toolkit_files")
    found = {path: _put_in(file.read_text(encoding="utf-8"), words) for path, file in _walk(templates)}
    found[words["TEST"]] = found.pop("test_toolkit.py.txt")
    return found


def _walk(folder: Traversable, before: str = "") -> list[tuple[str, Traversable]]:
    inside = sorted(folder.iterdir(), key=lambda entry: entry.name)
    below = [found for entry in inside if entry.is_dir() for found in _walk(entry, f"{before}{entry.name}/")]
    return [(f"{before}{entry.name}", entry) for entry in inside if entry.is_file()] + below


def _put_in(text: str, words: dict[str, str]) -> str:
    return re.sub(r"@([A-Z]+)@", lambda found: words[found[1]], text)


def _name(text: str) -> str:
    """A name, unchanged; `ValueError` for one that YAML or Markdown would read as something else."""
    if not re.fullmatch(r"[A-Za-z][\w .-]*", text, re.ASCII):
        raise ValueError("a name has letters, digits, blanks, dots and hyphens, and begins with a letter")
    return text.strip()
