"""/admin/offers: a toolkit that an installed package offers, before an administrator adds it, and taking it away."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ..error_responses import Problem
from ..state import HostedToolkit, hosted, problems_of
from .cards import OFFERS, offer_card, path_of
from .details import action_row
from .rendering import notice, redirect_after, render

router = APIRouter(prefix=f"{OFFERS}/{{toolkit}}")


@router.get("")
def offer(request: Request, toolkit: str) -> Response:
    """Show what a package offers. None of its code is imported for that."""
    one = _offered(request, toolkit)
    slug = one.loaded.toolkit.slug
    if slug in hosted(request).toolkits:
        return RedirectResponse(path_of(slug), 303)
    card = offer_card(one, hosted(request).store)
    return render(
        request,
        "offer.html",
        toolkit=card,
        actions=[action_row(action, card.path) for action in one.loaded.actions],
        links=[(name.replace("_", " ").capitalize(), link) for name, link in one.loaded.toolkit.links.items()],
    )


@router.post("/add")
def add(request: Request, toolkit: str) -> Response:
    """Import what the toolkit names and add it; repeating it changes nothing."""
    one = _offered(request, toolkit)
    problems = problems_of(one.offer) if one.offer else []
    if problems:
        text = f"It is not added. {' '.join(problems[:5])}"
        way = {"address": f"{OFFERS}/{toolkit.lower()}", "words": "Back"}
        return notice(request, 422, f"{one.loaded.toolkit.name} can't be loaded", text, way=way)
    switches, slug = hosted(request).store.switches, one.loaded.toolkit.slug
    done = "added-already" if slug in switches.activated() else "added"
    switches.activate(slug)
    return redirect_after(request, done, one.loaded.toolkit.name, path_of(slug))


@router.post("/remove")
def remove(request: Request, toolkit: str) -> Response:
    """Undo `add`; its connected accounts stay in the store."""
    one = _offered(request, toolkit)
    switches, slug = hosted(request).store.switches, one.loaded.toolkit.slug
    done = "taken" if slug in switches.activated() else "taken-already"
    switches.deactivate(slug)
    return redirect_after(request, done, one.loaded.toolkit.name, f"{OFFERS}/{toolkit.lower()}")


def _offered(request: Request, slug: str) -> HostedToolkit:
    """Return an offered toolkit by its slug in any letter case. Raises `Problem` 404 if there is none."""
    found = hosted(request).offered.get(slug.upper()) if slug.isascii() else None
    if found is None:
        raise Problem(404)
    return found
