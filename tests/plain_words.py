"""Checks that names, docstrings and comments of the package use the field's terms: `make lint` runs it.

Each word of the list was once used here where the field has another one, which is given beside it.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "toolkit" / "openrouter_toolkit"
WORDS = {
    "told": "reported, returned, formatted",
    "mend": "fix, correct, coerce",
    "mended": "fixed, corrected",
    "mending": "coercion, correction",
    "whoever": "the caller, the operator",
    "anew": "again",
    "patience": "timeout",
    "judged": "checked, parsed",
    "hanging up": "disconnect",
    "kept back": "redacted",
    "at the most": "at most",
}
_WORD = re.compile("|".join(rf"(?<![A-Za-z]){word}(?![A-Za-z])" for word in WORDS))


def problems(path: Path) -> Iterator[str]:
    """Each use of a listed word in a name, docstring or comment, with its line."""
    text = path.read_text(encoding="utf-8")
    for line, part in _names_and_comments(text):
        for found in _WORD.finditer(part.replace("_", " ").lower()):
            yield f"{path}:{line}: {found[0]!r}: the field says {WORDS[found[0]]}"


def _names_and_comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NAME, tokenize.COMMENT):
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""


if __name__ == "__main__":
    found = [problem for path in sorted(PACKAGE.rglob("*.py")) for problem in problems(path)]
    print("\n".join(found) or "Plain words: nothing to say.")
    sys.exit(bool(found))
