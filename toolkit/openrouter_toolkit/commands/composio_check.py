"""`composio-check`: go a Composio host's own way through a server, and say what is wrong."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests

from ..text.sanitize import short_name
from . import terminal

KEY_VARIABLE = "COMPOSIO_API_KEY"
_API = "/api/v3.1"
_TOOLKIT = "openrouter"
_TOOL = "OPENROUTER_GET_CURRENT_KEY"
_TIMEOUT = 90.0
_MAX_MESSAGE = 300
# Where these fail, all further steps would say the same.
_FIRST = ("address", "list")
# What an error of the server tells.
_SAID = ("slug", "message", "suggested_fix")


class _Wrong(Exception):
    """A step that failed. Its text says what is wrong and what to do."""


def composio_check(options: argparse.Namespace) -> int:
    """Go through the steps; exit status 1 if one of them failed."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise terminal.usage_error(f"set {KEY_VARIABLE} to an API token of that server: tokens create makes one")
    parts = urlsplit(options.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise terminal.usage_error("URL is the server's origin, without a path: https://tools.example.com")
    with requests.Session() as session:
        session.headers["x-api-key"] = key
        host = _Host(session, f"{parts.scheme}://{parts.netloc}", options.user_id)
        failed = 0
        for name, step in host.steps():
            failed += not _passes(name, step, key)
            if failed and name in _FIRST:
                terminal.print_message("The other steps were not tried.")
                return 1
    terminal.print_message("A host can use this server." if not failed else f"{failed} of the steps failed.")
    return 1 if failed else 0


def _passes(name: str, step: Callable[[], str], key: str) -> bool:
    try:
        said, good = step(), True
    except _Wrong as wrong:
        said, good = str(wrong), False
    except requests.RequestException as error:
        said = f"there was no answer ({type(error).__name__}): is this the address, and is the server running?"
        good = False
    terminal.print_line(f"{'ok' if good else 'FAILED':<7}{name:<10}{said.replace(key, '[key]')}")
    return good


class _Host:
    """A host with an API key, which acts for one user."""

    def __init__(self, session: requests.Session, origin: str, user_id: str) -> None:
        self._session = session
        self._origin = origin
        self._user_id = user_id

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """Return the steps in the order in which a host takes them."""
        return [
            ("address", self._address),
            ("list", self._list),
            ("connect", self._connect),
            ("link", self._link),
            ("execute", self._execute),
            ("session", self._session_tools),
            ("mcp", self._mcp),
        ]

    def _address(self) -> str:
        parts = urlsplit(self._origin)
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise _Wrong("Composio's clients refuse plain http to another machine: put https before the server.")
        return self._origin

    def _list(self) -> str:
        page = self._call("GET", "/tools", params={"toolkit_slug": _TOOLKIT, "important": "true"})
        slugs = [item["slug"] for item in page["items"]]
        if not slugs:
            raise _Wrong("there are no tools: an administrator has switched all of them off.")
        return f"{len(slugs)} tools, version {page['items'][0]['version']}"

    def _connect(self) -> str:
        self._auth_config()
        params = {"user_ids": self._user_id, "statuses": "ACTIVE", "toolkit_slugs": _TOOLKIT}
        accounts = self._call("GET", "/connected_accounts", params=params)["items"]
        return f"{len(accounts)} ACTIVE accounts of user {self._user_id}"

    def _link(self) -> str:
        body = {"auth_config_id": self._auth_config(), "user_id": self._user_id}
        link = self._call("POST", "/connected_accounts/link", json=body)
        try:
            if _origin(link["redirect_url"]) != self._origin:
                there = _origin(link["redirect_url"])
                raise _Wrong(f"links lead to {there}: start the server with --url {self._origin}")
            page = self._session.get(link["redirect_url"], timeout=_TIMEOUT, headers={"x-api-key": ""})
            if page.status_code != 200 or "text/html" not in page.headers.get("content-type", ""):
                raise _Wrong(f"the link's page answers {page.status_code}, so people can't connect.")
        finally:
            self._call("DELETE", f"/connected_accounts/{link['connected_account_id']}")
        return "a person can connect by it (it was removed again)"

    def _execute(self) -> str:
        body = {"user_id": self._user_id, "arguments": {}}
        answer = self._call("POST", f"/tools/execute/{_TOOL}", json=body)
        if not answer["successful"]:
            raise _Wrong(str(answer["error"]))
        return f"{_TOOL} answered"

    def _session_tools(self) -> str:
        with self._new_session() as session:
            return f"{len(session['tool_router_tools'])} tools"

    def _mcp(self) -> str:
        with self._new_session() as session:
            url = str(session["mcp"]["url"])
            if _origin(url) != self._origin:
                raise _Wrong(
                    f"MCP is at {_origin(url)}, where clients send no key: start the server with --url {self._origin}"
                )
            call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
            accept = {"Accept": "application/json, text/event-stream"}
            answer = self._session.post(url, json=call, headers=accept, timeout=_TIMEOUT)
            if answer.status_code != 200:
                raise _Wrong(f"the MCP address answers {answer.status_code}: {short_name(answer.text, _MAX_MESSAGE)}")
        return url.rpartition("/")[0] + "/…"

    def _auth_config(self) -> str:
        configs = self._call("GET", "/auth_configs", params={"toolkit_slug": _TOOLKIT})["items"]
        if not configs:
            raise _Wrong("there is no auth config that is enabled.")
        return str(configs[0]["id"])

    @contextmanager
    def _new_session(self) -> Iterator[Any]:
        body = {"user_id": self._user_id, "toolkits": [_TOOLKIT]}
        session = self._call("POST", "/tool_router/session", json=body)
        try:
            yield session
        finally:
            self._call("DELETE", f"/tool_router/session/{session['session_id']}")

    def _call(self, method: str, path: str, **options: Any) -> Any:
        """Make a request, and return the JSON of its answer. Raises `_Wrong` with what it was refused for."""
        answer = self._session.request(
            method, f"{self._origin}{_API}{path}", timeout=_TIMEOUT, allow_redirects=False, **options
        )
        content = _content(answer)
        if answer.ok:
            return content
        error = content.get("error") if isinstance(content, dict) else None
        error = error if isinstance(error, dict) else {}
        said = [str(answer.status_code), *(str(error[name]) for name in _SAID if error.get(name))]
        raise _Wrong(short_name(" ".join(said), _MAX_MESSAGE))


def _content(answer: requests.Response) -> Any:
    """Return the JSON of an answer. Raises `_Wrong` if it redirects, or is no JSON."""
    if answer.is_redirect:
        there = _origin(answer.headers.get("location", ""))
        raise _Wrong(f"it redirects to {there}: use that address, since clients don't follow.")
    try:
        return answer.json()
    except ValueError:
        text = f"{answer.status_code} without JSON: this is not the address of openrouter-toolkit serve."
        raise _Wrong(text) from None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
