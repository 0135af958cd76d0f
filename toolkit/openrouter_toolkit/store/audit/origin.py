"""Who changes something, and from where. The audit log notes it with each change.

The origin belongs to the context: to a request on the server, to a command, else to the program.
"""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Kind = Literal["person", "token", "link", "command", "program", "server"]


@dataclass
class Origin:
    """Who changes something. The server fills it in while it finds out who sent a request.

    Attributes:
        kind: what it is: a person who is logged in, an API token, somebody with a one-time link, a command, a program
            that uses the store, or the server by itself.
        id: the id of the person, token or link.
        name: the name of the person or token, or of the command's user on its machine.
        address: the client's address, or the name of the command's machine.
        request_id: what all changes of one request have in common.
    """

    kind: Kind = "program"
    id: str | None = None
    name: str | None = None
    address: str | None = None
    request_id: str | None = None


_current: ContextVar[Origin | None] = ContextVar("openrouter_toolkit_origin", default=None)


def current() -> Origin:
    """Return the origin of changes in this context."""
    return _current.get() or of_process("program")


def of_process(kind: Kind) -> Origin:
    """Return the origin of what this process does for its user on this machine."""
    return Origin(kind, name=_user(), address=platform.node() or None)


def begin(origin: Origin) -> None:
    """Let changes have this origin from here on, to the end of the context."""
    _current.set(origin)


@contextmanager
def acting(origin: Origin) -> Iterator[None]:
    """Let changes within the `with` block have this origin."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


def _user() -> str | None:
    """Return the user of this process. The system is asked, since variables such as USER may say anything."""
    try:
        import pwd
    except ImportError:  # on Windows
        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return None
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
