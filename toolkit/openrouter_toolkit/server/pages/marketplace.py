"""/admin/tools: the lists of active and available tools, with search and sorting."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from ...text.close_matches import close_matches
from ..state import hosted
from .cards import TOOLS, normalize, offer_card, toolkit_card
from .rendering import counted, render

router = APIRouter()
_MAX_SEARCH_LENGTH = 100


@router.get(TOOLS)
def tools(request: Request) -> Response:
    """Show one of the two tabs. Cards that don't match the search are hidden; the page's script may show them again."""
    server = hosted(request)
    query = request.query_params
    tab = "available" if query.get("tab") == "available" else "active"
    q = query.get("q", "")[:_MAX_SEARCH_LENGTH].strip()
    sort = "alphabet" if query.get("sort") == "alphabet" else "popularity"

    def tab_address(tab: str, q: str = q) -> str:
        parts = {"tab": tab, "q": q, "sort": "" if sort == "popularity" else sort}
        return f"{TOOLS}?{urlencode({name: value for name, value in parts.items() if value})}"

    there = server.toolkits
    all_cards = [toolkit_card(toolkit.loaded, server.store) for toolkit in there.values()]
    all_cards += [offer_card(one, server.store) for slug, one in server.offered.items() if slug not in there]
    all_cards.sort(key=lambda card: normalize(card.name))
    if sort == "popularity":  # no other measure of it is known here
        all_cards.sort(key=lambda card: -card.accounts)
    tabs = {"active": [card for card in all_cards if card.active]}
    tabs["available"] = [card for card in all_cards if not card.active]
    cards = tabs[tab]
    found = [card for card in cards if card.matches(q)]
    meant = None
    if q and not found:  # the closest match on either tab
        named = {card.name: card for card in all_cards}
        for name in close_matches(q, named)[:1]:
            meant = {"name": name, "address": tab_address("active" if named[name].active else "available", name)}
    return render(
        request,
        "tools.html",
        tab=tab,
        q=q,
        sort=sort,
        tab_address=tab_address,
        counts={name: len(toolkits) for name, toolkits in tabs.items()},
        cards=cards,
        hidden={card.slug for card in cards if card not in found},
        any_found=bool(found),
        meant=meant,
        broken=server.broken_offers if tab == "available" else [],
        found_words=counted(len(found), "tool"),
        at_tools=True,
    )
