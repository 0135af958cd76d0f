"""`serve`, `login-link`, `logout-all`: run the web application and manage logins to it."""

from __future__ import annotations

import argparse
import errno
import socket
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any

from . import terminal
from .failure import CommandFailed, usage_error
from .store_session import check_input, open_existing_store, open_store

if TYPE_CHECKING:
    from ..server import Settings
    from ..store import Store

_MAX_DIGITS = 10
_MAX_TIMEOUT = 3600
_ADVICE = {
    errno.EADDRINUSE: "choose another with --port",
    errno.EACCES: "choose one from 1024 on with --port",
}


def add(commands: Any) -> None:
    """Add the commands' parsers."""
    serve = commands.add_parser(
        "serve",
        help="run the web application: marketplace, API, MCP over HTTP",
        description="Runs the web application until Ctrl-C or SIGTERM. The first line on standard output is its URL; "
        "the link to log in is on standard error.",
    )
    serve.add_argument("--host", metavar="H", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", metavar="P", type=_port, default=0, help="the port (default: a free one)")
    serve.add_argument("--url", metavar="URL", help="where it is opened, when a proxy stands before it")
    serve.add_argument("--name", metavar="N", default="OpenRouter Toolkit", help="what it is called on its pages")
    serve.add_argument(
        "--manifest", metavar="PATH", nargs="+", action="extend", default=[], help="a further toolkit's manifest"
    )
    serve.add_argument(
        "--calls-per-minute",
        metavar="N",
        type=_count(1_000_000),
        default=600,
        help="how often a token may call (default: 600)",
    )
    serve.add_argument(
        "--trusted-proxy",
        metavar="CIDR",
        type=_network,
        action="append",
        default=[],
        help="an address or network of proxies whose X-Forwarded-For tells the client's address; may be given again",
    )
    serve.add_argument(
        "--worker-threads",
        metavar="N",
        type=_count(10_000),
        default=400,
        help="how many calls may run at once; one token takes half of them at most (default: 400)",
    )
    serve.add_argument(
        "--connections-per-address",
        metavar="N",
        type=_count(100_000),
        default=256,
        help="how many connections one client may have open (default: 256)",
    )
    serve.add_argument(
        "--client-timeout",
        metavar="S",
        type=_seconds,
        default=30.0,
        help="the seconds after which a client that neither sends nor reads what is due is disconnected (default: 30)",
    )
    serve.add_argument(
        "--return-address",
        metavar="URL",
        nargs="+",
        action="extend",
        default=[],
        help="an address of a host's, to which people may be sent back after connecting; kept from then on",
    )
    serve.set_defaults(run=run, whole_log=True)
    link = commands.add_parser(
        "login-link",
        help="print a new link to log in to the web application",
        description="Prints a link with which somebody logs in, once and within ten minutes.",
    )
    link.add_argument("url", metavar="URL", help="where the web application is opened")
    link.set_defaults(run=print_link)
    out = commands.add_parser(
        "logout-all",
        help="end all logins to the web application",
        description="Ends all logins to the web application, everywhere and at once, and links that were not used.",
    )
    out.set_defaults(run=log_everybody_out)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    _require_extra()
    from ..manifest import ManifestError
    from ..server import create
    from ..server.graceful_shutdown import Server, address_of, url_of
    from ..server.pages.login import new_link

    with _bind(options.host, options.port) as listening:
        settings = _settings(options, url_of(listening) if options.url is None else options.url)
        with open_store() as store:
            try:
                application = create(settings, store, options.manifest)
            except ManifestError:
                raise
            except ValueError as error:
                raise usage_error(f"--manifest: {error}") from None
            for address in options.return_address:
                _register(store, address)
            link = new_link(store, settings)  # made before serving: if the store is not writable, nothing is served

            def started() -> None:
                terminal.print_line(settings.url)
                behind = f", listening on {address_of(listening)}" if options.url else ""
                terminal.print_message(f"{settings.host_name} is at {settings.url}{behind}; Ctrl-C stops it.")
                if not (settings.secure or (settings.loopback and _is_loopback(listening))):
                    terminal.print_message(
                        "Keys and tokens can be read on the way here: put https before it, and say so by --url."
                    )
                terminal.print_message(f"To log in, once and within ten minutes: {link}")

            Server(application, listening, started).run()
    return 0


def print_link(options: argparse.Namespace) -> int:
    """Create a login link and print it."""
    _require_extra()
    from ..server.pages.login import new_link

    settings = _settings(options, options.url)
    with open_store() as store:
        terminal.print_line(new_link(store, settings))
    return 0


def log_everybody_out(options: argparse.Namespace) -> int:
    """End all sessions and unused login links."""
    with open_existing_store() as store:
        if store is not None:
            with store.transaction():
                store.sessions.revoke_all()
                store.links.end_logins()
    terminal.print_line("All logins are ended, and so are links to log in.")
    return 0


def _is_loopback(listening: socket.socket) -> bool:
    return ip_address(listening.getsockname()[0]).is_loopback


def _register(store: Store, address: str) -> None:
    try:
        store.return_addresses.register(check_input(str, "--return-address", address))
    except ValueError as error:
        raise usage_error(f"--return-address: {error}") from None


def _require_extra() -> None:
    try:
        from .. import server  # noqa: F401
    except ImportError as error:
        raise CommandFailed(str(error)) from None


def _bind(host: str, port: int) -> socket.socket:
    from ..server.graceful_shutdown import bind

    if not host:  # an empty host would mean every address
        raise usage_error("--host: name an address")
    try:
        return bind(host, port)
    except OSError as error:
        reason = error.strerror or str(error)
        advice = _ADVICE.get(error.errno or 0, "name an address of this machine with --host")
        raise CommandFailed(f"{host} port {port} can't be used: {reason}; {advice}") from None
    except (TypeError, ValueError):  # not a possible host name
        raise usage_error("--host: this is no address") from None


def _settings(options: argparse.Namespace, url: str) -> Settings:
    from ..server import Settings

    check_input(str, "the URL", url)
    more: dict[str, Any] = {}
    if "name" in options:
        more = {
            "host_name": check_input(str, "--name", options.name),
            "url_given": options.url is not None,
            "calls_per_minute": options.calls_per_minute,
            "worker_threads": options.worker_threads,
            "connections_per_address": options.connections_per_address,
            "client_timeout": options.client_timeout,
            "trusted_proxies": tuple(options.trusted_proxy),
        }
    try:
        return Settings(url.rstrip("/"), **more)
    except ValueError as error:
        raise usage_error(str(error)) from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and int(text) <= 65535):
        raise argparse.ArgumentTypeError("give a number from 0 to 65535")
    return int(text)


def _count(maximum: int) -> Callable[[str], int]:
    """A parser for an integer from 1 to `most`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and 0 < int(text) <= maximum):
            raise argparse.ArgumentTypeError(f"give a number from 1 to {maximum}")
        return int(text)

    return read


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= _MAX_TIMEOUT:  # also refuses nan
        raise argparse.ArgumentTypeError(f"give a number of seconds from 1 to {_MAX_TIMEOUT}")
    return seconds


def _network(text: str) -> IPv4Network | IPv6Network:
    _require_extra()
    from ..server.access.client_address import read_network

    try:
        return read_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
