"""The store of connected accounts as the commands open it: what it says no to is told in a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import store_place
from .failure import CommandFailed, wrong_command_line

if TYPE_CHECKING:
    from ..store import Store


@contextmanager
def opened() -> Iterator[Store]:
    """The store, while inside; it is made where there is none.

    Raises:
        CommandFailed: it can't be opened, or says no to something that is done inside.
    """
    try:
        from ..store import Store, StoreError  # noqa: PLC0415
    except ImportError as error:
        raise CommandFailed(str(error)) from None
    try:
        with Store.open() as store:
            yield store
    except (StoreError, ImportError) as error:  # the driver of its database may be missing
        raise CommandFailed(str(error)) from None


@contextmanager
def opened_if_there() -> Iterator[Store | None]:
    """The same for what only looks into it, or changes what is in it: where there is no store, none is made.

    Raises:
        CommandFailed: as `opened`.
    """
    if store_place.is_there():
        with opened() as store:
            yield store
    else:
        yield None


def valid(check: Callable[[str], str], option: str, text: str) -> str:
    """A name that was typed, as `check` returns it.

    Raises:
        CommandFailed: it can't be one (status 2); or it is a key, which nobody should type here.
    """
    from ..text.redaction import redact_thoroughly  # noqa: PLC0415

    if redact_thoroughly(text, ()) != text:
        raise wrong_command_line(f"{option} looks like a key; {KEYS_ARE_NOT_TYPED_HERE}")
    try:
        return check(text)
    except ValueError as error:
        raise wrong_command_line(f"{option}: {error}") from None


KEYS_ARE_NOT_TYPED_HERE = (
    "keys are not taken from the command line, which others can read: leave it out, or use --stdin"
)
