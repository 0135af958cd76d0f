"""The text of an HTML page."""

from __future__ import annotations

import re


def without_tags(page: str) -> str:
    """The page's title, or its text without tags, scripts and styles."""
    title = re.search(r"<title[^>]*>(.*?)</title>", page, re.IGNORECASE | re.DOTALL)
    if title:
        return title[1]
    page = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.IGNORECASE | re.DOTALL)
    return re.sub(r"<[^<>]*>", " ", page)
