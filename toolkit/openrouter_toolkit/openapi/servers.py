"""Where the API is: the base URL that the document's servers name, or one that is given."""

from __future__ import annotations

import re
from typing import Any

from ..http.base_url import base_url_problem, without_password
from ..text.sanitize import clean, quoted
from .document import Document, Unsupported, WrongDocument, listing, mapping, words
from .operations import Operation

_ADVICE = "give the API's address by --base-url https://…"


def base_url(document: Document) -> str:
    """The first server's URL.

    Raises:
        WrongDocument: it is relative, or no key may be sent there; a base URL has to be given.
    """
    url = _first(document.content.get("servers"))
    if not re.match(r"https?://", url, re.IGNORECASE):
        found = f"the document's server is {quoted(url)}, which has no host" if url else "the document names no server"
        raise WrongDocument(f"{found}; {_ADVICE}")
    problem = base_url_problem(url)
    if problem is not None:
        shown = quoted(without_password(url))
        raise WrongDocument(f"the document's server, {shown}, can't be used: {problem}; or {_ADVICE}")
    return url.rstrip("/")


def check_address(document: Document, operation: Operation) -> None:
    """Raise `Unsupported` for an operation that has a server of its own, other than the document's."""
    own = _first(operation.content.get("servers") or operation.item.get("servers"))
    if own and own != _first(document.content.get("servers")):
        raise Unsupported(f"is at another address, {clean(own)[:100]}")


def notes(document: Document) -> list[str]:
    """What should be known about the servers: others than the first, and variables that stand at their defaults."""
    servers = listing(document.content.get("servers"))
    found = []
    if len(servers) > 1:
        others = ", ".join(_first([one]) for one in servers[1:6])
        found.append(f"the document names other servers too, see base_url: {others}")
    variables = mapping(mapping(servers[0]).get("variables")) if servers else {}
    if variables:
        found.append(f"in base_url, these variables of the server stand at their defaults: {', '.join(variables)}")
    return found


def _first(servers: Any) -> str:
    server = mapping(next(iter(listing(servers)), None))
    variables = mapping(server.get("variables"))

    def default(match: re.Match[str]) -> str:
        variable = mapping(variables.get(match[1]))
        return str(variable.get("default") or next(iter(listing(variable.get("enum"))), match[0]))

    return re.sub(r"\{([^{}]+)\}", default, words(server.get("url")).strip()).rstrip("/")
