"""/admin/tools: the lists of active and available tools, with search and sorting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from ...text.close_matches import close_matches
from ..state import hosted
from .formatting import counted
from .rendering import render
from .toolkit_cards import TOOLS, Sort, ToolkitCard, sort_cards, toolkit_card

router = APIRouter()
_MAX_SEARCH_LENGTH = 100


class _Suggestion(NamedTuple):
    """The closest match for a search without results, and the address that finds it."""

    name: str
    address: str


@dataclass(frozen=True)
class _Search:
    """The query's tab, search text and sort order; invalid values become the defaults."""

    tab: Literal["active", "available"]
    q: str
    sort: Sort

    def address(self, tab: str, q: str | None = None) -> str:
        """Return a tab's address, with the same search text or with `q`."""
        q = self.q if q is None else q
        query = {"tab": tab, **({"q": q} if q else {})}
        if self.sort != "popularity":
            query["sort"] = self.sort
        return f"{TOOLS}?{urlencode(query)}"


@router.get(TOOLS)
def tools(request: Request) -> Response:
    """Show one of the two tabs. Cards that don't match the search are hidden; the page's script may show them again."""
    server = hosted(request)
    query = request.query_params
    search = _Search(
        tab="available" if query.get("tab") == "available" else "active",
        q=query.get("q", "")[:_MAX_SEARCH_LENGTH].strip(),
        sort="alphabet" if query.get("sort") == "alphabet" else "popularity",
    )
    all_cards = [toolkit_card(toolkit.loaded, server.store) for toolkit in server.toolkits.values()]
    active = [toolkit for toolkit in all_cards if toolkit.active]
    tabs = {"active": active, "available": [toolkit for toolkit in all_cards if not toolkit.active]}
    cards = sort_cards(tabs[search.tab], search.sort)
    found = [card for card in cards if card.matches(search.q)]
    suggestion = None if found else _suggest(search, all_cards)
    return render(
        request,
        "tools.html",
        tab=search.tab,
        q=search.q,
        sort=search.sort,
        tab_address=search.address,
        counts={name: len(toolkits) for name, toolkits in tabs.items()},
        cards=cards,
        hidden={card.slug for card in cards if card not in found},
        any_found=bool(found),
        meant=suggestion,
        found_words=counted(len(found), "tool"),
        at_tools=True,
    )


def _suggest(search: _Search, toolkits: Sequence[ToolkitCard]) -> _Suggestion | None:
    """Return the closest match for a search without results, on either tab; None if there is none."""
    named = {toolkit.name: toolkit for toolkit in toolkits}
    for name in close_matches(search.q, named) if search.q else ():
        return _Suggestion(name, search.address("active" if named[name].active else "available", name))
    return None
