"""The browser login that a toolkit may offer as an alternative to pasting a key."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Protocol, cast

from ..manifest import LoadedToolkit


class BrowserLogin(Protocol):
    """The object that a manifest's `auth.browser` creates. It raises `ActionError`s that the user can understand."""

    def begin(self, callback_url: str | None, key_label: str, verifier: str) -> str:
        """Return the URL to open in the browser. Without a callback, the page shows a code for the user to paste.

        Args:
            callback_url: where the browser is redirected with the code.
            key_label: the key's name in lists of keys.
            verifier: from `new_verifier`, to be kept secret until `finish`.
        """
        ...

    def finish(self, code: str, verifier: str) -> str:
        """Exchange the code for the key, the value of the auth scheme's first field. A code works once."""
        ...

    def close(self) -> None:
        """Close the open connections."""
        ...


def browser_login(loaded: LoadedToolkit, client_options: Mapping[str, Any] | None = None) -> BrowserLogin | None:
    """Create the toolkit's browser login, or return None if it has none.

    Raises:
        ActionError: an option or an environment variable is invalid.
    """
    if loaded.browser is None:
        return None
    return cast(BrowserLogin, loaded.browser(**(client_options or {})))


def new_verifier() -> str:
    """Create a code verifier for one login (RFC 7636): 64 random characters."""
    return secrets.token_urlsafe(48)
