"""Addresses of webhooks as people enter them: of which kind they are, whether they can be used, how they are shown."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from .network import is_public

Kind = Literal["http", "slack", "email"]
SLACK_HOST = "hooks.slack.com"
_MAX_LENGTH = 2000
_MAX_EMAIL = 254
_SHOWN = 4


class InvalidAddress(ValueError):
    """An address that can't be used; the text says why."""


def read_address(text: str, *, private: bool = False, email: bool = True) -> tuple[Kind, str, str]:
    """Return the kind of an address, the address, and how it is shown without what may be secret in it.

    Args:
        text: an https URL, one of Slack's incoming webhooks, or an e-mail address.
        private: whether http and addresses of private networks are allowed.
        email: whether e-mails can be sent.

    Raises:
        InvalidAddress: it can't be used.
    """
    text = text.strip()
    if "://" not in text and "@" in text:
        return "email", _email(text, email), text
    url = _url(text, private=private)
    if url.hostname == SLACK_HOST:
        return "slack", text, f"{url.scheme}://{url.netloc}/…{text[-_SHOWN:]}"
    hidden = "?…" if url.query else ""
    return "http", text, f"{url.scheme}://{url.netloc}{url.path}{hidden}"


def _email(text: str, possible: bool) -> str:
    try:
        valid = len(text) <= _MAX_EMAIL and text.isprintable() and text.isascii()
        spec = Address(addr_spec=text).addr_spec if valid else ""
    except (ValueError, MessageError, IndexError):
        spec = ""
    if not spec or "." not in spec.rpartition("@")[2]:
        raise InvalidAddress("this is no e-mail address")
    if not possible:
        raise InvalidAddress("e-mails can't be sent: the operator has to set OPENROUTER_TOOLKIT_SMTP")
    return spec


def _url(text: str, *, private: bool) -> SplitResult:
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        raise InvalidAddress("this is no URL") from None
    if not (text.isascii() and text.isprintable() and len(text) <= _MAX_LENGTH) or " " in text or not host:
        raise InvalidAddress("give an https URL in plain ASCII, or an e-mail address")
    if url.scheme not in ("https", "http") or port == 0 or "\\" in text:
        raise InvalidAddress("give an https URL, or an e-mail address")
    if url.scheme == "http" and not private:
        raise InvalidAddress("the URL must be https (the operator can allow http with --private-webhooks)")
    if url.username is not None or url.fragment:
        raise InvalidAddress("the URL must have no user name and no fragment")
    if not private and _is_private(host):
        raise InvalidAddress("its host is not on the public internet (the operator can allow it: --private-webhooks)")
    return url


def _is_private(host: str) -> bool:
    """Whether a host is a literal address of a private network, or a name of this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return not is_public(host)
