"""The side menu: the pages that a viewer may open."""

from __future__ import annotations

from typing import NamedTuple

from ..access.roles import Viewer
from .cards import OFFERS, TOOLS

BUDGETS = "/admin/budgets"
OVERVIEW = "/admin/overview"
CALLS = "/admin/calls"
USAGE = "/admin/usage"
TOKENS = "/admin/tokens"
PEOPLE = "/admin/people"
AUDIT = "/admin/audit"
WEBHOOKS = "/admin/webhooks"
YOU = "/admin/you"
_ENTRIES = (
    (OVERVIEW, "Overview", "overview"),
    (TOOLS, "Tools", "tools"),
    (CALLS, "Calls", "calls"),
    (USAGE, "Usage", "usage"),
    (BUDGETS, "Budgets", "budget"),
    (TOKENS, "Tokens", "token"),
    (WEBHOOKS, "Webhooks", "webhook"),
    (PEOPLE, "People", "people"),
    (AUDIT, "Audit", "audit"),
)


class Entry(NamedTuple):
    """An entry: where it leads, its words and icon, and how it is marked as the current one, if it is."""

    path: str
    words: str
    icon: str
    current: str | None


def menu(viewer: Viewer, path: str) -> list[Entry]:
    """Return the entries for a viewer who looks at the page at a path."""
    at = TOOLS if path.startswith(OFFERS) else path
    return [
        Entry(to, words, icon, "page" if path == to else "true" if at.startswith(to) else None)
        for to, words, icon in _ENTRIES
        if viewer.may("GET", to)
    ]
