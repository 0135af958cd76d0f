"""Templates over an account's fields, such as `Bearer {api_key}` or `https://{subdomain}.example.com`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from ...envelope import ActionError
from ...text.sanitize import preview

_FIELD = re.compile(r"\{(\w+)\}")
# A field of a base URL is a whole label of its host, and at least two labels that are fixed stand after it.
_BASE_URL = re.compile(r"https://\{\w+\}(?:\.[A-Za-z0-9-]+){2,}(?::\d+)?(?:/[^{}]*)?")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_WANTED = "https://{field}.example.com: a field at the beginning of the host, and two names or more after it"


def fields_of(template: str) -> list[str]:
    """The fields that a template names."""
    return _FIELD.findall(template)


def template_problem(template: str) -> str | None:
    """Return what is wrong with a template's braces, or None."""
    rest = _FIELD.sub("", template)
    return "a brace names no field; write {field}" if "{" in rest or "}" in rest else None


def base_url_template_problem(template: str) -> str | None:
    """Return why a base URL with fields can't be used, or None: the account must not choose the host."""
    return None if _BASE_URL.fullmatch(template) else f"a base URL with a field is {_WANTED}"


def fill(template: str, values: Mapping[str, str]) -> str | None:
    """The template with its fields' values; None if the account lacks one."""
    if any(not values.get(name) for name in fields_of(template)):
        return None
    return _FIELD.sub(lambda found: values[found[1]], template)


def fill_base_url(template: str, values: Mapping[str, str]) -> str:
    """A base URL with its field's value, which has to be one label of a host name.

    Raises:
        ActionError: `not_connected`, for any other value.
    """
    for name in fields_of(template):
        value = values.get(name, "")
        if not _LABEL.fullmatch(value):
            host = urlsplit(template).hostname or ""
            raise ActionError(
                "not_connected",
                f"The account's {name} can't be used: {preview(value)} is no part of a host name.",
                advice=f"Nothing was sent. It is what stands in place of {{{name}}} in {host}, letters, digits and "
                "hyphens alone; the account has to be connected again.",
            )
    return fill(template, values) or template
