"""How an account comes to be connected: its keys checked, or made by a login in the browser. Nothing is stored here."""

from .callback import Callback, LoginRefused, LoginTimedOut
from .checking import Checked, check
from .login import BrowserLogin, browser_login, new_verifier

__all__ = [
    "BrowserLogin",
    "Callback",
    "Checked",
    "LoginRefused",
    "LoginTimedOut",
    "browser_login",
    "check",
    "new_verifier",
]
