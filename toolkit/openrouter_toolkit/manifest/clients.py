"""A toolkit's client: what handlers and requests need of it, and whether it takes one key or all credentials."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ..call import Call
from ..text.close_matches import close_matches

if TYPE_CHECKING:
    from ..http.rest import BoundRestClient, Route


class ToolkitClient(Protocol):
    """A toolkit's own client: what `toolkit.client` names, as `module:name`, is called once and returns this.

    The call's keywords are the registry's `client_options`. It is shared by all calls and threads.
    """

    def connected(self, credentials: Mapping[str, str], call: Call) -> Any:
        """Return what handlers get, for one call of one account.

        Args:
            credentials: all fields of the account by name, such as `api_key`; none for a toolkit without login. A
                parameter named `key` in its place gets the value of the key alone, or None.
            call: the call's deadline and cancellation. Before it waits, a client asks `call.remaining()`; it waits for
                the network inside `call.interruptible(...)`, and between attempts with `call.wait(...)`.
        """
        ...

    def close(self) -> None:
        """Close what is open; a later call may open it again."""
        ...


class RequestClient(Protocol):
    """What a client's `connected` must return for the manifest's `request` rows, such as `GET /models/{author}`."""

    def request(self, method: str, path: str, arguments: dict[str, Any]) -> str:
        """Send a request and return the answer's text. Arguments that `path` names in braces belong into it."""
        ...


def request_handler(request: str) -> Callable[[dict[str, Any], RequestClient], str]:
    """Make the handler of an action that only sends a request: its method and its path, as in the manifest."""
    method, path = request.split(" ")

    def handler(arguments: dict[str, Any], client: RequestClient) -> str:
        return client.request(method, path, arguments)

    return handler


def route_handler(route: Route) -> Callable[[dict[str, Any], BoundRestClient], str]:
    """Make the handler of an action that sends a request with the client that the manifest declares."""

    def handler(arguments: dict[str, Any], client: BoundRestClient) -> str:
        return client.send(route, arguments)

    return handler


def request_problem(client: Callable[..., Any] | None) -> str | None:
    """Return why the client can't send a `request`, or None. Its `connected` must be annotated with what it returns."""
    if client is None:
        return "there is no toolkit.client to send it"
    bound = _return_class(_connected_method(client))
    if callable(getattr(_client_class(client) if bound is typing.Self else bound, "request", None)):
        return None
    return f"{client.__name__}.connected is not annotated to return a class with request(method, path, arguments)"


def takes_credentials(client: Callable[..., Any]) -> bool:
    """Whether the client's `connected` takes all credentials: its first parameter is named `credentials`."""
    connected = _connected_method(client)
    return connected is not None and [*inspect.signature(connected).parameters][1:2] == ["credentials"]


def client_problem(client: Callable[..., Any]) -> str | None:
    """Return why handlers can't use the client, or None; also None for a function without a return annotation."""
    client_class = _client_class(client)
    if client_class is None:
        return None
    if not callable(getattr(client_class, "connected", None)):
        return f"{client_class.__name__} has no method connected(key, call) or connected(credentials, call)"
    connected = _connected_method(client)
    if connected is None:
        return None
    try:
        inspect.signature(connected).bind(None, None, None)
    except TypeError:
        return f"{client_class.__name__}.connected must take (key, call) or (credentials, call)"
    return None


def check_client_options(
    client: Callable[..., Any], options: Mapping[str, Any], account_fields: Collection[str]
) -> None:
    """Raise `TypeError` or `ValueError` for options that the client does not take: early, as a programming error."""
    try:
        signature = inspect.signature(client)
        signature.bind(**options)
    except TypeError as error:
        unknown = next((str(name) for name in options if name not in signature.parameters), None)
        if unknown is None:
            raise TypeError(f"client_options: {error}") from None
        matches = close_matches(unknown, signature.parameters)
        hint = f", did you mean {matches[0]!r}?" if matches else ""
        if unknown in account_fields:
            hint = "; accounts= gives what an account consists of"
        raise TypeError(f"client_options: {client.__name__} takes no {unknown[:80]!r}{hint}") from None
    if (check_values := getattr(client, "check_options", None)) is not None:
        check_values(**options)


def _connected_method(client: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the client's method `connected`, or None if it is not a normal method."""
    connected = getattr(_client_class(client), "connected", None)
    return connected if inspect.isfunction(connected) else None


def _client_class(client: Callable[..., Any]) -> Any:
    """Return the client's class: the given class itself, or the annotated return type of a function."""
    return client if isinstance(client, type) else _return_class(client)


def _return_class(function: Callable[..., Any] | None) -> Any:
    """Return the class, or `Self`, that a function is annotated to return, or None."""
    try:
        returned = typing.get_type_hints(function).get("return")
    except Exception:  # noqa: BLE001 - third-party annotations may raise anything
        return None
    return returned if returned is typing.Self or (isinstance(returned, type) and returned is not object) else None
