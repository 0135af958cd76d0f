"""Sends events as e-mails, by the SMTP server that the environment names."""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Self
from urllib.parse import unquote, urlsplit

from ..http.loopback import is_loopback
from ..store.columns import now
from .messages import Message

VARIABLE = "OPENROUTER_TOOLKIT_SMTP"
SENDER = "OPENROUTER_TOOLKIT_MAIL_FROM"
_PORTS = {"smtp": 587, "smtps": 465}
_TIMEOUT = 15.0


@dataclass(frozen=True)
class MailServer:
    """An SMTP server.

    Attributes:
        host: its name or address.
        port: its port.
        tls: whether the connection begins with TLS; otherwise STARTTLS is required, unless it is this machine.
        sender: the address that mails come from.
        user: whom to log in as; None for no login.
        password: the password.
    """

    host: str
    port: int
    tls: bool
    sender: str
    user: str | None = None
    password: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self | None:
        """Return the server that OPENROUTER_TOOLKIT_SMTP names, as `smtp[s]://[USER:PASSWORD@]HOST[:PORT]`.

        Raises:
            ValueError: it is no such URL, or OPENROUTER_TOOLKIT_MAIL_FROM is missing.
        """
        text = environment.get(VARIABLE, "").strip()
        if not text:
            return None
        try:
            url = urlsplit(text)
            port = url.port
        except ValueError:
            url, port = urlsplit(""), None
        if url.scheme not in _PORTS or not url.hostname or url.path.strip("/") or url.query:
            raise ValueError(f"{VARIABLE}: give smtp://USER:PASSWORD@HOST:PORT, or smtps:// for TLS from the beginning")
        sender = environment.get(SENDER, "").strip()
        if "@" not in sender:
            raise ValueError(f"{SENDER}: give the address that mails come from")
        user = None if url.username is None else unquote(url.username)
        return cls(
            url.hostname,
            port or _PORTS[url.scheme],
            url.scheme == "smtps",
            sender,
            user,
            unquote(url.password or ""),
        )


def send(server: MailServer, to: str, message: Message, message_id: str) -> None:
    """Send one e-mail.

    Raises:
        smtplib.SMTPException, OSError: it was not taken.
    """
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = server.sender, to, message.subject
    mail["Date"] = format_datetime(now())
    mail["Message-ID"] = f"<{message_id}@{server.sender.rpartition('@')[2]}>"  # the same when it is sent again
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    context = ssl.create_default_context()
    if server.tls:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT)
    with connection as smtp:
        if not server.tls and not is_loopback(server.host):
            smtp.starttls(context=context)
        if server.user is not None:
            smtp.login(server.user, server.password)
        smtp.send_message(mail)
