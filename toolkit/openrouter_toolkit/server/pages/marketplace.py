"""/admin/tools: the lists of active and available tools, with search, categories and sorting."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from ...text.close_matches import close_matches
from ..access.roles import Right, viewer_of
from ..state import hosted
from .cards import TOOLS, ToolkitCard, normalize, offer_card, toolkit_card
from .rendering import counted, render

router = APIRouter()
_MAX_SEARCH_LENGTH = 100
_WORD = re.compile(r"\w+")
_MIN_MISSPELT = 4  # characters; a shorter word resembles too many others


@router.get(TOOLS)
def tools(request: Request) -> Response:
    """Show one of the two tabs. Cards that don't match the search are hidden; the page's script may show them again.

    Among the available tools, a search finds those that are active already, too.
    """
    server, viewer = hosted(request), viewer_of(request)
    query = request.query_params
    tab = "available" if query.get("tab") == "available" else "active"
    q = query.get("q", "")[:_MAX_SEARCH_LENGTH].strip()
    sort = "alphabet" if query.get("sort") == "alphabet" else "popularity"
    there = server.toolkits
    all_cards = [toolkit_card(toolkit.loaded, server.store, viewer.users) for toolkit in there.values()]
    offered = server.offered if viewer.has(Right.SEE) else {}
    all_cards += [offer_card(one, server.store) for slug, one in offered.items() if slug not in there]
    categories = sorted({category for card in all_cards for category in card.categories}, key=normalize)
    category = query.get("category", "") if query.get("category") in categories else ""

    def tab_address(tab: str, q: str = q, category: str = category) -> str:
        parts = {"tab": tab, "q": q, "category": category, "sort": "" if sort == "popularity" else sort}
        return f"{TOOLS}?{urlencode({name: value for name, value in parts.items() if value})}"

    all_cards.sort(key=lambda card: normalize(card.name))
    if sort == "popularity":  # no other measure of it is known here
        all_cards.sort(key=lambda card: -card.accounts)
    tabs = {"active": [card for card in all_cards if card.active]}
    tabs["available"] = [card for card in all_cards if not card.active]
    cards = all_cards if tab == "available" else tabs["active"]

    def found_by(q: str) -> list[ToolkitCard]:
        searched = cards if q else tabs[tab]
        return [card for card in searched if card.matches(q) and (not category or category in card.categories)]

    found, meant = found_by(q), None
    if q and not found and (words := _meant(q, all_cards)):
        found = found_by(words)
        on_other_tab = tab == "active" and not found
        meant = {"name": words, "address": tab_address("available" if on_other_tab else tab, words, "")}
    return render(
        request,
        "tools.html",
        tab=tab,
        q=q,
        sort=sort,
        category=category,
        categories=categories,
        tab_address=tab_address,
        counts={name: len(toolkits) for name, toolkits in tabs.items()},
        cards=cards,
        hidden={card.slug for card in cards if card not in found},
        any_found=bool(found),
        meant=meant,
        broken=server.broken_offers if tab == "available" and viewer.has(Right.SEE) else [],
        found_words=counted(len(found), "tool"),
    )


def _meant(q: str, cards: Sequence[ToolkitCard]) -> str | None:
    """Return what a search that finds nothing probably meant: a tool's name, else words that a tool has, or None."""
    for name in close_matches(q, [card.name for card in cards]):
        return name
    corrected = _corrected(q, cards)
    return corrected if any(card.matches(corrected) for card in cards) else None


def _corrected(q: str, cards: Sequence[ToolkitCard]) -> str:
    """Return a search with each word that no tool has replaced by the word that resembles it most, if there is one."""
    text = normalize(" ".join(card.words for card in cards))
    known = sorted({word for word in _WORD.findall(text) if len(word) >= _MIN_MISSPELT})
    words = normalize(q).split()
    misspelt = {word for word in words if word not in text and len(word) >= _MIN_MISSPELT}
    return " ".join(next(iter(close_matches(word, known)), word) if word in misspelt else word for word in words)
