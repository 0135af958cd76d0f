"""Request ids: the answer to a request, its lines in the log and its row in the ledger name the same one."""

from __future__ import annotations

import re
import secrets

from starlette.types import Scope

from ..call import Caller, current_caller

HEADER = b"x-request-id"
# What proxies and clients make, and nothing that could be read as something else in a log or on a page.
_USABLE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,100}")
_KEY = "request_id"


def assign(scope: Scope) -> str:
    """Give a request the id that it was sent with, or a new one, and let everything in this context know it."""
    sent = [value for name, value in scope["headers"] if name == HEADER]
    usable = len(sent) == 1 and _USABLE.fullmatch(sent[0]) and not _looks_like_a_key(sent[0])
    request_id = sent[0].decode() if usable else f"req_{secrets.token_hex(10)}"
    scope.setdefault("state", {})[_KEY] = request_id
    current_caller.set(Caller(request_id=request_id))
    return request_id


def request_id_of(scope: Scope) -> str | None:
    """Return the id of a request; None before it has one."""
    found: str | None = scope.get("state", {}).get(_KEY)
    return found


def _looks_like_a_key(value: bytes) -> bool:
    return value.startswith((b"sk-", b"ort_"))
