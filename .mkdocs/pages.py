"""Pages of the site that are not in docs/: the README, the examples, and the reference of the public names."""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

import openrouter_toolkit

ROOT = Path(__file__).parents[1]
# Where a file of the repository stands on the site.
PLACES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "examples": "examples/index.md",
    "examples/README.md": "examples/index.md",
    **{f"examples/{path.name}": f"examples/{path.stem}.md" for path in (ROOT / "examples").glob("*.py")},
}
# What lets the search run in pages that are opened from a folder; the theme would load it from elsewhere.
SHIM = Path(sys.prefix, "node_modules", "iframe-worker", "shim", "index.js")
SHIM_TAG = '<script src="https://unpkg.com/iframe-worker/shim"></script>'
OWN_SHIM = "assets/javascripts/iframe-worker.js"
LOADED = re.compile(r"""(?:<link[^>]+href|<[^>]+src|@import|url\()\W{1,3}(?:https?:)?//[^\s>]+""")
LINK = re.compile(r"(!?\[[^\]]*\]\()(?!https?:|#)([^)#\s]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages."""
    for source, place in PLACES.items():
        path = ROOT / source
        if path.is_file():
            files.append(File.generated(config, place, content=_content(path)))
    files.append(File.generated(config, "reference.md", content=_reference()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links between files of the repository lead to their pages."""
    own = page.file.src_uri
    source = next((name for name, place in PLACES.items() if place == own and "." in name), f"docs/{own}")

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[2]))
        place = PLACES.get(target, target.removeprefix("docs/"))
        return link[1] + posixpath.relpath(place, posixpath.dirname(own) or ".")

    return LINK.sub(moved, markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Load the shim from the site itself; without npm there is none."""
    own = posixpath.relpath(OWN_SHIM, posixpath.dirname(page.file.dest_uri) or ".")
    output = output.replace(SHIM_TAG, f'<script src="{own}"></script>' if SHIM.is_file() else "")
    if found := LOADED.search(output):
        raise PluginError(f"{page.file.dest_uri} loads something from elsewhere: {found[0]}")
    return output


def on_post_build(config: Any) -> None:
    """Copy the shim; leave out the page that only a server would show."""
    site = Path(config.site_dir)
    if SHIM.is_file():
        shutil.copyfile(SHIM, site / OWN_SHIM)
    (site / "404.html").unlink(missing_ok=True)


def _content(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return text if path.suffix == ".md" else f"# {path.name}\n\n```python\n{text}```\n"


def _reference() -> str:
    """A page with everything that `openrouter_toolkit` exports."""
    names = [f"::: {getattr(openrouter_toolkit, name).__module__}.{name}" for name in openrouter_toolkit.__all__]
    return "\n\n".join(["# Reference", "What `openrouter_toolkit` exports, from its docstrings.", *names])
