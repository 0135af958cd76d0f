"""`serve`, `login-link`, `logout-all`: run the web application and manage logins to it."""

from __future__ import annotations

import argparse
import errno
import gc
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..http.loopback import is_loopback
from . import return_addresses
from .people import find_person
from .store import open_existing_store, open_store
from .terminal import PROGRAM, CommandFailed, check_input, print_line, print_message, usage_error
from .webhooks import mail_server

if TYPE_CHECKING:  # its packages may be missing
    from fastapi import FastAPI

    from ..server import Settings
    from ..store import Store

_METRICS_TOKEN = "OPENROUTER_TOOLKIT_METRICS_TOKEN"  # noqa: S105 - a name
_MIN_TOKEN = 16
_log = logging.getLogger("openrouter_toolkit")
_ADVICE = {errno.EADDRINUSE: "choose another with --port", errno.EACCES: "choose one from 1024 on with --port"}


def serve(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    require_server()
    from ..server import create
    from ..server.graceful_shutdown import Server, address_of, url_of

    with _bind(options.host, options.port) as listening:
        settings = settings_of(
            url_of(listening) if options.url is None else options.url,
            host_name=check_input(str, "--name", options.name),
            url_given=options.url is not None,
            calls_per_minute=options.calls_per_minute,
            worker_threads=options.worker_threads,
            streams=options.streams,
            connections_per_address=options.connections_per_address,
            client_timeout=options.client_timeout,
            trusted_proxies=tuple(options.trusted_proxy),
            metrics_token=_metrics_token(),
            ledger_days=options.ledger_days,
            ledger_required=not options.ledger_optional,
            private_webhooks=options.private_webhooks,
            mail_server=mail_server(),
            failing_after=options.failing_after,
        )
        with open_store() as store:
            application = create(settings, store, options.manifest)
            for address in options.return_address:
                return_addresses.register(store, "--return-address", address)
            link = _first_link(store, settings)  # made before serving: if the store is not writable, nothing is served

            as_json = options.log_format == "json"
            say = _log.info if as_json else print_message  # then everything on standard error is JSON

            def started() -> None:
                print_line(settings.url)
                behind = f", listening on {address_of(listening)}" if options.url else ""
                say(f"{settings.host_name} is at {settings.url}{behind}; Ctrl-C stops it.")
                on_loopback = settings.loopback and is_loopback(listening.getsockname()[0])
                if not (settings.secure or on_loopback):
                    say("Keys and tokens can be read on the way here: put https before it, and say so by --url.")
                if as_json:  # logs are collected and kept, and the link is a secret
                    say(f"openrouter-toolkit login-link {settings.url} makes a link to log in.")
                else:
                    say(f"To log in, once and within ten minutes: {link}")

            # What is loaded now stays as long as the process: neither collections nor the exit need to visit it.
            gc.collect()
            gc.freeze()
            with _metrics_served(application, options):
                Server(application, listening, started).run()
    return 0


def print_login_link(options: argparse.Namespace) -> int:
    """Create a login link and print it."""
    require_server()
    from ..server.pages.login import needs_name, new_link

    settings = settings_of(options.url)
    with open_store() as store:
        if options.as_name is not None:
            person = find_person(store, options.as_name)
            if person.disabled_at is not None:
                raise CommandFailed(f"{person.name} is disabled; {PROGRAM} people enable lets them in again")
        elif needs_name(store):
            raise usage_error(f"there is not just one owner: say who logs in with --as; {PROGRAM} people lists them")
        else:
            person = None
        print_line(new_link(store, settings, person))
    return 0


def log_everybody_out(options: argparse.Namespace) -> int:
    """End all sessions and unused login links."""
    with open_existing_store() as store:
        if store is not None:
            with store.transaction():
                store.sessions.revoke_all()
                store.links.end_logins()
    print_line("All logins are ended, and so are links to log in.")
    return 0


def _first_link(store: Store, settings: Settings) -> str:
    """Create the login link that is printed at the start; where it is not clear for whom, say how to make one."""
    from ..server.pages.login import needs_name, new_link

    if needs_name(store):
        return f"{PROGRAM} login-link {settings.url} --as NAME makes a link"
    return new_link(store, settings)


def require_server() -> None:
    """Raise `CommandFailed` if the packages of the web application are missing."""
    try:
        from .. import server  # noqa: F401
    except ImportError as error:
        raise CommandFailed(str(error)) from None


@contextmanager
def _metrics_served(application: FastAPI, options: argparse.Namespace) -> Iterator[None]:
    """Serve the metrics on the port of their own, if there is one, inside the context."""
    if options.metrics_port is None:
        yield
        return
    host, port = options.metrics_host, options.metrics_port
    try:
        server = application.state.hosted.metrics.serve(host, port)
    except OSError as error:
        raise _address_failed("--metrics-host", host, port, error) from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _metrics_token() -> str | None:
    """The token for /metrics from the environment."""
    token = os.environ.get(_METRICS_TOKEN, "").strip()
    if token and (len(token) < _MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token):
        raise CommandFailed(
            f"{_METRICS_TOKEN}: give {_MIN_TOKEN} characters or more, such as `openssl rand -hex 32` makes"
        )
    return token or None


def _bind(host: str, port: int) -> socket.socket:
    from ..server.graceful_shutdown import bind

    if not host:  # an empty host would mean every address
        raise usage_error("--host: name an address")
    try:
        return bind(host, port)
    except OSError as error:
        raise _address_failed("--host", host, port, error) from None
    except (TypeError, ValueError):  # not a possible host name
        raise usage_error("--host: this is no address") from None


def _address_failed(option: str, host: str, port: int, error: OSError) -> CommandFailed:
    reason = error.strerror or str(error)
    advice = _ADVICE.get(error.errno or 0, "").replace("--port", option.replace("host", "port"))
    return CommandFailed(
        f"{host} port {port} can't be used: {reason}; {advice or f'name an address of this machine with {option}'}"
    )


def settings_of(url: str, **more: Any) -> Settings:
    """The settings for a URL. Raises `CommandFailed` if it can't be one (status 2)."""
    from ..server import Settings

    check_input(str, "the URL", url)
    try:
        return Settings(url.rstrip("/"), **more)
    except ValueError as error:
        raise usage_error(str(error)) from None
