"""Names and descriptions for models, made of what an OpenAPI document says."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

from ..text.sanitize import clean, shorten

MAX_SLUG = 64
_MAX_ARGUMENT = 64
_MAX_READ = 20_000
_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])\d*|[A-Z]?[a-z]+\d*|[A-Z]\d*|\d+")
_TAGS = re.compile(
    r"<!--.*?-->|</?(?:a|b|i|p|br|hr|em|li|ol|ul|td|th|tr|code|div|h[1-6]|img|kbd|pre|small|span|strong|sub|sup|table|"
    r"tbody|thead|details|summary|blockquote)(?:\s[^<>]*)?/?>",
    re.IGNORECASE | re.DOTALL,
)
_LINKS = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])")
_EMPHASIS = re.compile(r"(\*\*|__|``?`?|~~)(?=\S)(.+?)(?<=\S)\1")
_ITALICS = re.compile(r"(?<![\w*])([*_])(?=[^\s*_])([^*]+?)(?<=[^\s*_])\1(?![\w*])")
_LINE_STARTS = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]*|```\w*[ \t]*$|\|?(?:[ \t]*:?-{3,}:?[ \t]*\|)+.*$)", re.MULTILINE
)
_SENTENCE_ENDS = re.compile(r"[.!?](?= )")


def plain(text: str, limit: int) -> str:
    """Markdown or HTML as plain text on one line, cut after a sentence if it is longer than `limit`."""
    text = html.unescape(_TAGS.sub(" ", text[:_MAX_READ]))
    text = _LINE_STARTS.sub("", _LINKS.sub(r"\1", text))
    text = clean(_ITALICS.sub(r"\2", _EMPHASIS.sub(r"\2", text)))
    if len(text) <= limit:
        return text
    ends = [found.end() for found in _SENTENCE_ENDS.finditer(text, 0, limit)]
    return text[: ends[-1]] if ends and ends[-1] >= limit // 3 else shorten(text, limit)


def sentence(text: str) -> str:
    """The text with a full stop, if it has no mark at its end."""
    return text if not text or text[-1] in ".!?:…" else f"{text}."


def split_words(identifier: str) -> list[str]:
    """The words of an identifier in any style: camel case, hyphens, slashes. Accents are dropped."""
    letters = unicodedata.normalize("NFKD", identifier).encode("ascii", "ignore").decode()
    return _WORDS.findall(letters)


def action_slug(toolkit: str, words: list[str], unique: str) -> str:
    """An action's slug, `TOOLKIT_LIST_PETS`; one that is too long or made of nothing ends in a digest of `unique`."""
    slug = "_".join([toolkit, *(word.upper() for word in words)])
    return slug if words and len(slug) <= MAX_SLUG else with_digest(slug, unique)


def with_digest(slug: str, unique: str) -> str:
    """The slug with a digest at its end, which is always the same, cut between words to the greatest length."""
    digest = hashlib.sha256(unique.encode("utf-8", "surrogatepass")).hexdigest()[:6].upper()
    limit = MAX_SLUG - len(digest) - 1
    if len(slug) > limit:
        words, _, _ = slug[: limit + 1].rpartition("_")
        slug = words if len(words) > limit // 2 else slug[:limit].rstrip("_")
    return f"{slug}_{digest}"


def title(words: list[str]) -> str:
    """Words as a name for people: `List Pets`."""
    return " ".join(word if word.isupper() else word.capitalize() for word in words)


def tag(text: str) -> str:
    """A tag as toolsets name it: `pull-requests`; empty if nothing is left of it."""
    return "-".join(word.lower() for word in split_words(text)).lstrip("0123456789-")


def argument(name: str, *, in_path: bool = False) -> str:
    """An argument's name that every model's API takes: letters, digits, `_`, and outside of paths `-` and `.`."""
    safe = re.sub(r"[^A-Za-z0-9_]+" if in_path else r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-" if in_path else "_.")
    if safe != name and not safe:
        safe = "parameter"
    return f"p_{safe}"[:_MAX_ARGUMENT] if in_path and safe[:1].isdecimal() else safe[:_MAX_ARGUMENT]
