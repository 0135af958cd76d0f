"""The client for an API that a manifest describes: base URL, authorization, retries and limits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urljoin, urlsplit

from ... import __version__
from ...call import Call
from ...text.sanitize import quoted
from .. import options
from ..api import Api
from ..base_url import base_url_problem, without_password
from ..connections import Connections
from ..json_answer import check_json
from ..request import Request, encoded_pairs
from ..retries import Retries
from . import errors
from .authorization import Proof, derived_secrets, prove
from .route import Route
from .templates import fields_of, fill_base_url

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from ..transport import Exchange

_MAX_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
# The pools of hosts that differ between accounts; the one that was not used for longest is closed.
_MAX_HOSTS = 64


@dataclass(frozen=True, kw_only=True)
class DeclaredApi:
    """An API as the manifest's `toolkit.client` describes it; `name` is the toolkit's."""

    name: str
    base_url: str
    authorization: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "json"
    retries: int = 2
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    max_answer_bytes: int = 64 * 1024 * 1024

    @classmethod
    def from_data(cls, name: str, data: Mapping[str, Any]) -> Self:
        """Make it from checked data."""
        return cls(name=name, **data)

    @property
    def authorization_kinds(self) -> set[str]:
        """Which of `header`, `query` and `basic` the authorization is."""
        return {kind for kind, given in (self.authorization or {}).items() if given}

    def derived_secrets(self, account: Mapping[str, str]) -> tuple[str, ...]:
        """Secrets that are made of an account's fields."""
        return derived_secrets(self.authorization, account)


def client_factory(api: DeclaredApi) -> Callable[..., RestClient]:
    """Return the function that a registry makes the client with; its keywords are the registry's client options."""

    def client(
        *,
        base_url: str | None = None,
        connect_timeout: float | None = None,
        read_timeout: float | None = None,
        max_answer_bytes: int | None = None,
        max_attempts: int | None = None,
    ) -> RestClient:
        given: dict[str, Any] = {
            "base_url": options.text("base_url", base_url),
            "connect_timeout": connect_timeout,
            "read_timeout": read_timeout,
            "max_answer_bytes": max_answer_bytes,
            "retries": None if max_attempts is None else options.count("max_attempts", max_attempts) - 1,
        }
        return RestClient(replace(api, **{name: value for name, value in given.items() if value is not None}))

    client.__name__ = f"the client of {api.name}"
    client.check_options = client  # type: ignore[attr-defined]
    return client


class RestClient:
    """A registry's client for a declared API, shared by all its calls and threads."""

    def __init__(self, api: DeclaredApi) -> None:
        """Create the client; nothing is sent yet.

        Raises:
            TypeError, ValueError: a setting can't be used.
        """
        problem = None if fields_of(api.base_url) else base_url_problem(api.base_url)
        if problem is not None:
            raise ValueError(f"base_url: {quoted(without_password(api.base_url), 100)} can't be used: {problem}")
        self.api = api
        self.named = Api(api.name, f"the base URL of {api.name}")
        self.read_timeout = options.seconds("read_timeout", api.read_timeout)
        self.max_answer_bytes = options.count("max_answer_bytes", api.max_answer_bytes)
        self.retries = Retries(api.retries + 1)
        self._connect_timeout = options.seconds("connect_timeout", api.connect_timeout)
        self._lock = threading.Lock()
        self._hosts: OrderedDict[str, Connections] = OrderedDict()

    def __repr__(self) -> str:
        return f"<RestClient of {self.api.name} at {self.api.base_url}>"

    def connected(self, credentials: Mapping[str, str], call: Call) -> BoundRestClient:
        """The client for one call of one account."""
        return BoundRestClient(self, credentials, call)

    def connections(self, origin: str) -> Connections:
        """The connections to a host; a base URL with an account's field has one for each value."""
        with self._lock:
            found = self._hosts.pop(origin, None)
            if found is None:
                found = Connections(origin, self.named, connect_timeout=self._connect_timeout)
            self._hosts[origin] = found
            old = self._hosts.popitem(last=False)[1] if len(self._hosts) > _MAX_HOSTS else None
        if old is not None:
            old.close()
        return found

    def close(self) -> None:
        """Close the pooled connections."""
        with self._lock:
            hosts = list(self._hosts.values())
            self._hosts.clear()
        for connections in hosts:
            connections.close()


class BoundRestClient:
    """The client that a handler gets: the API with this call's account, deadline and cancellation."""

    def __init__(self, client: RestClient, credentials: Mapping[str, str], call: Call) -> None:
        self._client = client
        self._credentials = credentials
        self._call = call

    def request(self, method: str, path: str, arguments: Mapping[str, Any]) -> str:
        """Send a request and return the answer's text. Arguments that `path` names in braces go there, others into the
        query of a GET or DELETE, and into the JSON body of another method; a GET is repeated after transient errors.
        """
        form = self._client.api.body == "form"
        return self.send(Route(method, path, form=form, repeatable=method == "GET"), arguments)

    def send(self, route: Route, arguments: Mapping[str, Any]) -> str:
        """Send the request of a route and return the answer's text.

        Raises:
            ActionError: the arguments or the account's values can't be sent, or the call failed.
        """
        api = self._client.api
        proof = prove(api.authorization, api.headers, self._credentials)
        base = urlsplit(fill_base_url(api.base_url, self._credentials).rstrip("/"))
        request = route.request(arguments)
        request = replace(request, target=base.path + _with_query(request.target, proof))
        connections = self._client.connections(f"{base.scheme}://{base.netloc}")
        attempt = _Attempt(self._client, connections, proof, self._call, expects_json=route.expects_json)
        return self._client.retries.run(lambda: attempt.send(request), self._call, route.policy)


class _Attempt:
    """One attempt of a call; redirects on the same host are followed for a GET."""

    def __init__(
        self, client: RestClient, connections: Connections, proof: Proof, call: Call, *, expects_json: bool
    ) -> None:
        self._client = client
        self._connections = connections
        self._proof = proof
        self._call = call
        self._expects_json = expects_json

    def send(self, request: Request) -> str:
        """Send the request, read the answer, follow redirects."""
        headers = {
            "Accept": "application/json, */*;q=0.5",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"openrouter-toolkit/{__version__}",
            **request.headers,
            **self._proof.headers,
        }
        timeout = self._client.read_timeout
        redirects: list[str] = []

        while True:
            seen = len(redirects)
            with self._connections.exchange(request, headers, self._call, timeout) as (exchange, response):
                text = self._read(exchange, response, request, redirects)
            if len(redirects) == seen:
                return text
            request = replace(request, target=redirects[-1])

    def _read(self, exchange: Exchange, response: BaseHTTPResponse, request: Request, redirects: list[str]) -> str:
        """The answer's text; nothing for a redirect, whose target is added to `redirects`."""
        from ..body import Body

        status = response.status
        text = Body(exchange, response, self._client.max_answer_bytes).text()
        if 200 <= status < 300:
            if self._expects_json:
                check_json(text, status, self._client.named)
            return text
        if 300 <= status < 400:
            url = urljoin(f"{self._connections.base_url}{request.target}", response.headers.get("location", ""))
            target = self._target(url) if request.method == "GET" and len(redirects) < _MAX_REDIRECTS else None
            if target is None or target in (request.target, *redirects):
                raise errors.redirect(self._client.named, status, _host(url))
            redirects.append(target)
            return ""
        raise errors.from_answer(self._client.named, status, response.headers, text)

    def _target(self, url: str) -> str | None:
        """The target of a redirect on the same host, else None."""
        with suppress(ValueError):
            if _origin(url) == _origin(self._connections.base_url):
                parts = urlsplit(url)
                return _with_query(f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", self._proof)
        return None


def _with_query(target: str, proof: Proof) -> str:
    """A target with the account's query parameter, which stands there once."""
    if not proof.query:
        return target
    path, _, query = target.partition("?")
    names = {name for name, _ in proof.query}
    kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in names]
    return f"{path}?{encoded_pairs([*kept, *proof.query])}"


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)


def _host(url: str) -> str:
    with suppress(ValueError):
        return urlsplit(url).hostname or ""
    return ""
