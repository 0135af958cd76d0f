"""What proves to an API whose account a request is for: a header, a query parameter, or a user name and a password."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...envelope import ActionError
from ..header_values import header_value
from .templates import fields_of, fill


@dataclass(frozen=True, slots=True, repr=False)
class Proof:
    """What is added to each request of one account. It holds secrets, so its repr shows nothing."""

    headers: dict[str, bytes]
    query: tuple[tuple[str, str], ...] = ()


def templates_of(authorization: Mapping[str, Any] | None) -> list[str]:
    """All templates of the manifest's `authorization`."""
    given = authorization or {}
    basic = given.get("basic")
    if basic:
        return [basic["username"], basic["password"]]
    return [part["value"] for name in ("header", "query") if (part := given.get(name))]


def prove(authorization: Mapping[str, Any] | None, headers: Mapping[str, str], account: Mapping[str, str]) -> Proof:
    """Fill the manifest's `authorization` and `headers` in for an account; a header whose field it lacks is left out.

    Raises:
        ActionError: `not_connected`; a value can't be sent.
    """
    proven: dict[str, bytes] = {}
    for name, template in headers.items():
        value = fill(template, account)
        if value is not None:
            proven[name] = _header(name, value, template)
    given = authorization or {}
    if header := given.get("header"):
        value = fill(header["value"], account)
        if value is not None:
            proven[header["name"]] = _header(header["name"], value, header["value"])
    if basic := given.get("basic"):
        proven["Authorization"] = f"Basic {basic_token(basic, account)}".encode()
    if query := given.get("query"):
        return Proof(proven, ((query["name"], fill(query["value"], account) or ""),))
    return Proof(proven)


def basic_token(basic: Mapping[str, str], account: Mapping[str, str]) -> str:
    """User name and password as HTTP's Basic authentication writes them; a missing one is empty."""
    pair = f"{fill(basic['username'], account) or ''}:{fill(basic['password'], account) or ''}"
    return b64encode(pair.encode("utf-8", "surrogatepass")).decode()


def derived_secrets(authorization: Mapping[str, Any] | None, account: Mapping[str, str]) -> tuple[str, ...]:
    """Secrets that are made of an account's fields: an API may repeat them, so they are redacted too."""
    basic = (authorization or {}).get("basic")
    return (basic_token(basic, account),) if basic else ()


def _header(name: str, value: str, template: str) -> bytes:
    try:
        return header_value(name, value)
    except ActionError:
        fields = " and ".join(fields_of(template))
        raise ActionError(
            "not_connected",
            f"The account's {fields} can't be sent in the header {name}: it has control characters in it.",
            advice="Nothing was sent. The account has to be connected again.",
        ) from None
