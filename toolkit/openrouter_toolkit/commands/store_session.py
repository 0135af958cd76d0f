"""Opens the store of connected accounts for commands, and reports its errors in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import store_place
from .failure import CommandFailed, usage_error

if TYPE_CHECKING:
    from ..store import Store


@contextmanager
def open_store() -> Iterator[Store]:
    """A context with the open store, which is created if there is none.

    Raises:
        CommandFailed: the store can't be opened, or refuses an operation within the context.
    """
    try:
        from ..store import Store, StoreError
    except ImportError as error:
        raise CommandFailed(str(error)) from None
    try:
        with Store.open() as store:
            yield store
    except (StoreError, ImportError) as error:  # the driver of its database may be missing
        raise CommandFailed(str(error)) from None


@contextmanager
def open_existing_store() -> Iterator[Store | None]:
    """A context with the open store, or None if there is no store; none is created.

    Raises:
        CommandFailed: as for `open_store`.
    """
    if store_place.exists():
        with open_store() as store:
            yield store
    else:
        yield None


def check_input(check: Callable[[str], str], option: str, text: str) -> str:
    """A text from the command line, as `check` returns it.

    Raises:
        CommandFailed: the text is not valid (status 2), or is a key, which must not be typed here.
    """
    from ..text.redaction import redact_thoroughly

    if redact_thoroughly(text, ()) != text:
        raise usage_error(f"{option} looks like a key; {KEYS_ARE_NOT_TYPED_HERE}")
    try:
        return check(text)
    except ValueError as error:
        raise usage_error(f"{option}: {error}") from None


KEYS_ARE_NOT_TYPED_HERE = (
    "keys are not taken from the command line, which others can read: leave it out, or use --stdin"
)
