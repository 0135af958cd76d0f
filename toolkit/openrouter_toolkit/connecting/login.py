"""The login in the browser that a toolkit may offer beside pasting a key."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Protocol, cast

from ..manifest import LoadedToolkit


class BrowserLogin(Protocol):
    """What a manifest's `auth.browser` makes. Its failures are `ActionError`s, explained to the person who logs in."""

    def begin(self, callback_url: str | None, key_label: str, verifier: str) -> str:
        """The address to open in the browser. Without a callback the page shows a code, to be pasted.

        Args:
            callback_url: where the browser is sent with the code.
            key_label: what the key is called, for who lists keys.
            verifier: a `new_verifier`, to be kept secret until `finish`.
        """
        ...

    def finish(self, code: str, verifier: str) -> str:
        """The key, a value for the first of the auth scheme's fields. A code works once."""
        ...

    def close(self) -> None:
        """Close the connections that are kept open."""
        ...


def browser_login(loaded: LoadedToolkit, client_options: Mapping[str, Any] | None = None) -> BrowserLogin | None:
    """The toolkit's login in the browser, or None where it has none.

    Raises:
        ActionError: an option, or the environment, can't be used.
    """
    if loaded.browser is None:
        return None
    return cast(BrowserLogin, loaded.browser(**(client_options or {})))


def new_verifier() -> str:
    """A code verifier for one login (RFC 7636): 64 random characters."""
    return secrets.token_urlsafe(48)
