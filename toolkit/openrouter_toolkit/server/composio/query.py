"""A request of Composio's API: its parameters as the clients write them, its body, and pages of an answer."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any, TypeVar

from starlette.requests import Request

from ...store import ApiToken, Store, names
from ...text.json_text import parse_json
from ...text.sanitize import short_name
from ..access.bearer import token_of
from ..state import State, hosted
from .errors import BAD_REQUEST, FORBIDDEN, Refusal, refuse

_Item = TypeVar("_Item")
_DEFAULT_LIMIT = 500
_MAX_LIMIT = 1000
_MAX_OFFSET = 10_000_000
_CURSOR = re.compile(r"([0-9]{1,9}):([0-9]{1,4})", re.ASCII)
_NAMED_KEY = re.compile(r"([a-z_]+)\[([A-Za-z0-9_]+)\]", re.ASCII)
_NAME_LENGTH = 60


class Query:
    """One request.

    Attributes:
        state: the server's state.
        token: the API token that the key is.
        body: the body's JSON object, empty if there is none.
    """

    def __init__(self, request: Request, body: bytes) -> None:
        """Read the body. Raises `Refusal` if it is no JSON object."""
        self.request = request
        self.state: State = hosted(request)
        self.token: ApiToken = token_of(request)
        self.body = _read_object(body)

    @property
    def store(self) -> Store:
        """The store."""
        return self.state.store

    @property
    def origin(self) -> str:
        """The server's address as the client knows it: to another one, clients send no key.

        The Host header was checked to be one of this server's.
        """
        settings = self.state.settings
        return settings.url if settings.url_given else f"http://{self.request.headers['host']}"

    def path(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])

    def text(self, name: str) -> str | None:
        """Return a query parameter, None if it is absent or empty."""
        return self.request.query_params.get(name) or None

    def texts(self, name: str) -> list[str] | None:
        """Return a query parameter that is a list: repeated, joined by commas, or written with brackets."""
        params = self.request.query_params
        given = [*params.getlist(name), *params.getlist(f"{name}[]")]
        values = [value.strip() for text in given for value in text.split(",") if value.strip()]
        return values or None

    def mapping(self, name: str) -> dict[str, str]:
        """Return a query parameter that is a mapping, `name[key]=value`, with its keys in lower case."""
        found = {}
        for key, value in self.request.query_params.multi_items():
            match = _NAMED_KEY.fullmatch(key)
            if match is not None and match[1] == name:
                found[match[2].lower()] = value
        return found

    def flag(self, name: str) -> bool | None:
        """Return a query parameter that is true or false, None if it is absent."""
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in ("true", "false"):
            refuse(BAD_REQUEST, f"{name}: wanted true or false.")
        return value.lower() == "true"

    def one_of(self, name: str, values: Sequence[str], default: str) -> str:
        """Return a query parameter that is one of some values."""
        value = self.text(name) or default
        if value not in values:
            refuse(BAD_REQUEST, f"{name}: wanted one of {', '.join(values)}.")
        return value

    def field(self, *path: str, kind: type[_Item], required: bool = False) -> _Item | None:
        """Return a value of the body, None if it is absent or null. Raises `Refusal` if it has another type."""
        value: Any = self.body
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is None and not required:
            return None
        if not isinstance(value, kind) or (required and value == ""):
            wanted = {str: "a text", dict: "an object", list: "an array", bool: "true or false"}.get(
                kind, "something else"
            )
            refuse(BAD_REQUEST, f"{'.'.join(path)}: wanted {wanted}.")
        return value

    def need_text(self, *path: str) -> str:
        """Return a text of the body that must be there."""
        return self.field(*path, kind=str, required=True) or ""

    def user(self, user_id: str) -> str:
        """Check that the token may act for a user, and return the user."""
        if not names.possible_user(user_id):
            refuse(BAD_REQUEST, "user_id: wanted a printable text of 1 to 255 characters.")
        if not self.token.may_act_for(user_id):
            refuse(FORBIDDEN, "This API key may not act for that user.", "Use a token that was made for this user.")
        return user_id

    def window(self) -> tuple[int, int]:
        """Return limit and offset of the page that is asked for. A limit over 1,000 is 1,000."""
        given = {name: self.text(name) or self.body.get(name) for name in ("cursor", "limit")}
        cursor = given["cursor"]
        if cursor is not None:
            number, limit = _read_cursor(str(cursor))
            return limit, (number - 1) * limit
        if given["limit"] is None:
            return _DEFAULT_LIMIT, 0
        try:
            limit = int(float(given["limit"]))
        except (ValueError, OverflowError, TypeError):
            limit = 0
        if limit < 1:
            refuse(BAD_REQUEST, "limit: wanted a number from 1 to 1000.")
        return min(limit, _MAX_LIMIT), 0

    def page(self, items: Sequence[_Item], show: Callable[[_Item], Any] = lambda item: item) -> dict[str, Any]:
        """Return the page of a list that is asked for."""
        limit, offset = self.window()
        return page([show(item) for item in items[offset : offset + limit]], len(items), limit, offset)


def page(items: list[Any], total: int, limit: int, offset: int) -> dict[str, Any]:
    """Return a page with the cursor of the next one."""
    number = offset // limit + 1
    more = offset + limit < total
    return {
        "items": items,
        "next_cursor": base64.urlsafe_b64encode(f"{number + 1}:{limit}".encode()).decode() if more else None,
        "total_pages": ceil(total / limit),
        "current_page": number,
        "total_items": total,
    }


def _read_cursor(cursor: str) -> tuple[int, int]:
    try:
        match = _CURSOR.fullmatch(base64.urlsafe_b64decode(cursor.encode()).decode())
    except (ValueError, binascii.Error):
        match = None
    number, limit = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (number and 0 < limit <= _MAX_LIMIT and number * limit <= _MAX_OFFSET):
        refuse(BAD_REQUEST, "cursor: not a cursor of this server; begin with the first page, without one.")
    return number, limit


def _read_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        value = parse_json(body.decode())
    except ValueError:
        raise Refusal(BAD_REQUEST, "The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise Refusal(BAD_REQUEST, "The body must be a JSON object.")
    return value


def shown(name: object) -> str:
    """Return a name from a request, safe to repeat in an error."""
    return short_name(str(name), _NAME_LENGTH)
