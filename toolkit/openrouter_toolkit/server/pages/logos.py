"""/logos/{toolkit}: the logo that a manifest names, fetched by this server, so that no browser asks anybody else.

It is kept in memory. While it can't be had, initials take its place.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from html import escape
from time import monotonic
from urllib.parse import urlsplit

import requests
from fastapi import APIRouter, Response

from ..error_responses import Problem
from .cards import LOGOS, colour_of, initials_of, logo_path
from .rendering import Toolkit

# As in style.css.
_COLOURS = ("#3450b4", "#6b3fa0", "#0b6b74", "#8a4b12", "#a3315f", "#3d6420")
router = APIRouter(prefix=LOGOS)
_TYPES = {"image/png", "image/svg+xml", "image/jpeg", "image/webp", "image/gif"}
_MAX_BYTES = 256 * 1024
_TIMEOUT = (3, 5)  # seconds to connect, and between two pieces
_MAX_SECONDS = 10.0
_RETRY_SECONDS = 600.0
_BROWSERS_KEEP_IT = {"Cache-Control": "private, max-age=3600"}


@dataclass(frozen=True)
class Logo:
    """An image."""

    content: bytes
    type: str


class Logos:
    """The logos that were fetched, by address. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, Logo] = {}
        self._next_try: dict[str, float] = {}

    def find(self, address: str) -> Logo | None:
        """Return the image at an address, fetched at the first time; None if it can't be had now."""
        with self._lock:
            if address in self._found or monotonic() < self._next_try.get(address, 0.0):
                return self._found.get(address)
            self._next_try[address] = monotonic() + _RETRY_SECONDS  # meanwhile others get initials
        logo = fetch(address)
        if logo is not None:
            with self._lock:
                self._found[address] = logo
        return logo


_logos = Logos()


@router.get("/{toolkit}")
def show(toolkit: Toolkit) -> Response:
    """Answer with a toolkit's logo, or with its initials. Packaged logos are among the static files instead."""
    slug, address = toolkit.toolkit.slug, toolkit.toolkit.logo
    if address is None or logo_path(slug, address) != f"{LOGOS}/{slug.lower()}":
        raise Problem(404)
    logo = _logos.find(address)
    if logo is None:
        return Response(_initials(slug, toolkit.toolkit.name), media_type="image/svg+xml")
    return Response(logo.content, media_type=logo.type, headers=_BROWSERS_KEEP_IT)


def fetch(address: str) -> Logo | None:
    """Fetch an image of at most 256 KiB; None if there is none, or if a redirect leads away from https."""
    ends = monotonic() + _MAX_SECONDS
    try:
        with requests.get(address, timeout=_TIMEOUT, stream=True, headers={"Accept": "image/*"}) as answer:
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            secure = all(urlsplit(one.url).scheme == urlsplit(address).scheme for one in (*answer.history, answer))
            if answer.status_code != 200 or kind not in _TYPES or not secure:
                return None
            content = b""
            for piece in answer.iter_content(16 * 1024):
                content += piece
                if len(content) > _MAX_BYTES or monotonic() > ends:
                    return None
            return Logo(content, kind)
    except (requests.RequestException, ValueError):
        return None


def _initials(slug: str, name: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48">'
        f'<rect width="48" height="48" rx="13" fill="{_COLOURS[colour_of(slug)]}"/>'
        '<text x="24" y="31" text-anchor="middle" font-family="sans-serif" font-size="20" font-weight="600" '
        f'fill="#fff">{escape(initials_of(name))}</text></svg>'
    )
