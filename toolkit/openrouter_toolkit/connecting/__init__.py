"""Connecting an account: verifying its keys, or getting one by a browser login. Nothing is stored here."""

from .callback import Callback, LoginRefused, LoginTimedOut
from .checking import Checked, ask, check, check_for
from .login import BrowserLogin, browser_login, new_verifier

__all__ = [
    "BrowserLogin",
    "Callback",
    "Checked",
    "LoginRefused",
    "LoginTimedOut",
    "ask",
    "browser_login",
    "check",
    "check_for",
    "new_verifier",
]
