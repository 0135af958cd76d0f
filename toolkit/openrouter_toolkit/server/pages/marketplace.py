"""/admin/tools: what is active, what is available, searched and sorted."""

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
from .toolkit_cards import TOOLS, ListedToolkit, Sort, listed, ordered

router = APIRouter()
_LONGEST_SEARCH = 100


class _Meant(NamedTuple):
    """The tool that was probably searched for, and the address at which it is found."""

    name: str
    address: str


@dataclass(frozen=True)
class _Search:
    """What was asked for; anything that makes no sense is the usual."""

    tab: Literal["active", "available"]
    q: str
    sort: Sort

    def address(self, tab: str, q: str | None = None) -> str:
        """A tab's address, with the same search, or another."""
        q = self.q if q is None else q
        given = {"tab": tab, **({"q": q} if q else {})}
        if self.sort != "popularity":
            given["sort"] = self.sort
        return f"{TOOLS}?{urlencode(given)}"


@router.get(TOOLS)
def tools(request: Request) -> Response:
    """One of the two tabs. Cards that a search leaves out are there, hidden: the page's script may show them again."""
    server = hosted(request)
    query = request.query_params
    search = _Search(
        tab="available" if query.get("tab") == "available" else "active",
        q=query.get("q", "")[:_LONGEST_SEARCH].strip(),
        sort="alphabet" if query.get("sort") == "alphabet" else "popularity",
    )
    every = [listed(toolkit.loaded, server.store) for toolkit in server.toolkits.values()]
    active = [toolkit for toolkit in every if toolkit.active]
    tabs = {"active": active, "available": [toolkit for toolkit in every if not toolkit.active]}
    cards = ordered(tabs[search.tab], search.sort)
    found = [card for card in cards if card.found_by(search.q)]
    meant = None if found else _meant(search, every)
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
        meant=meant,
        found_words=counted(len(found), "tool"),
        at_tools=True,
    )


def _meant(search: _Search, toolkits: Sequence[ListedToolkit]) -> _Meant | None:
    """What a search that found nothing was probably for, on whichever tab it is."""
    named = {toolkit.name: toolkit for toolkit in toolkits}
    for name in close_matches(search.q, named) if search.q else ():
        return _Meant(name, search.address("active" if named[name].active else "available", name))
    return None
