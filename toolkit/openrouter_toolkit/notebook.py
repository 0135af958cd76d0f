"""What notebooks show for the package's objects: HTML without scripts, readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from .text.redaction import redact_thoroughly
from .text.sanitize import safe_for_terminal, shorten

_MAX_TEXT = 5_000  # characters of one text
# The page's own colours, so that both themes work.
_BOX = "border:1px solid #8888;border-radius:6px;padding:8px 12px;max-width:60em;color:inherit;background:transparent"
_PRE = "white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0;color:inherit;background:transparent"
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;color:inherit;background:transparent"


def card(title: str, facts: Mapping[str, str | None], texts: Sequence[str | None], data: str) -> str:
    """A box with a title, facts on one line (without those that are None), texts, and data to be unfolded."""
    known = " · ".join(f"{_safe(name)}: {_safe(value)}" for name, value in facts.items() if value is not None)
    line = f"<div>{known}</div>" if known else ""
    shown = "".join(_preformatted(text) for text in texts if text)
    folded = f"<details><summary>data</summary>{_preformatted(data)}</details>"
    return f'<div style="{_BOX}"><strong>{_safe(title)}</strong>{line}{shown}{folded}</div>'


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A box with a title and a table."""
    lines = ["".join(f'<th style="{_CELL}">{_safe(cell)}</th>' for cell in head)]
    lines += ["".join(f'<td style="{_CELL}">{_safe(cell)}</td>' for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div style="{_BOX}"><strong>{_safe(title)}</strong><table>{body}</table></div>'


def _preformatted(text: str) -> str:
    return f'<pre style="{_PRE}">{_safe(text)}</pre>'


def _safe(text: str) -> str:
    """Untrusted text for HTML: redacted, shortened, without control characters, escaped."""
    return escape(safe_for_terminal(shorten(redact_thoroughly(text[: 2 * _MAX_TEXT], ()), _MAX_TEXT)))
