"""E-mails, to a real SMTP server in this process; and the environment's variables."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from openrouter_toolkit.store import Store
from openrouter_toolkit.webhooks import Deliverer, MailServer

from .conftest import add, happen

SENDER = "tools@acme.example"


class Mailbox:
    """What the server took, and what it answers to it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses: str | None = None
        self.refuses_data: str | None = None
        self.logins: list[LoginPassword] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.refuses is not None:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - likewise
        if self.refuses_data is not None:
            return self.refuses_data
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def authenticate(self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(data)
        return AuthResult(success=data.password == b"p@ss word", handled=False)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox) -> Iterator[MailServer]:
    with socket.create_server(("127.0.0.1", 0)) as trial:
        port = trial.getsockname()[1]
    login: dict[str, Any] = {"auth_require_tls": False, "authenticator": mailbox.authenticate}
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **login)
    controller.start()
    yield MailServer("127.0.0.1", port, tls=False, sender=SENDER)
    controller.stop()


def deliver(store: Store, server: MailServer | None) -> Any:
    (claimed,) = (store.webhooks.claim(one) for one in store.webhooks.due())
    assert claimed is not None
    return Deliverer(store, "Tools of Acme", mail_server=server).deliver(claimed)


def test_a_mail_has_the_event_in_words(store: Store, server: MailServer, mailbox: Mailbox) -> None:
    webhook_id, secret = add(store, "ops@example.com")
    assert (store.webhooks.get(webhook_id).kind, secret) == ("email", "")
    event_id = happen(store, "account.refused", why="User not found")
    assert deliver(store, server).state == "delivered"
    (mail,) = mailbox.mails
    assert (mail["From"], mail["To"]) == (SENDER, "ops@example.com")
    assert mail["Message-ID"] == f"<{event_id}@acme.example>"
    assert mail["Subject"].startswith("Tools of Acme: The key of the account work of user alice")
    text = mail.get_content()
    assert "The key of the account work of user alice (OPENROUTER) can't be used any more: User not found." in text
    assert "ca_1" in text


def test_nothing_in_an_event_becomes_a_header(store: Store, server: MailServer, mailbox: Mailbox) -> None:
    add(store, "ops@example.com")
    happen(store, "account.refused", why="x\r\nBcc: eve@example.com\r\n\r\n" + "long " * 100)
    assert deliver(store, server).state == "delivered"
    assert mailbox.mails[0]["Bcc"] is None


@pytest.mark.parametrize(
    ("refusal", "error"),
    [("550 No such mailbox", "refused the address: 550 No such mailbox"), ("450 Later", "refused the address: 450")],
)
def test_a_refused_recipient_is_told(
    store: Store, server: MailServer, mailbox: Mailbox, refusal: str, error: str
) -> None:
    add(store, "ops@example.com")
    happen(store)
    mailbox.refuses = refusal
    done = deliver(store, server)
    assert done.state == "waiting"
    assert error in done.error


def test_other_failures_are_told_too(store: Store, server: MailServer, mailbox: Mailbox) -> None:
    add(store, "ops@example.com")
    happen(store)
    assert "OPENROUTER_TOOLKIT_SMTP is not set" in deliver(store, None).error
    mailbox.refuses_data = "554 Spam"
    webhook = store.webhooks.list()[0]
    assert "answered 554: Spam" in (Deliverer(store, mail_server=server).test(webhook.id).error or "")
    nobody = MailServer("127.0.0.1", 9, tls=False, sender=SENDER)
    assert "did not take it" in (Deliverer(store, mail_server=nobody).test(webhook.id).error or "")
    with_tls = MailServer("127.0.0.1", server.port, tls=True, sender=SENDER)
    assert "did not take it" in (Deliverer(store, mail_server=with_tls).test(webhook.id).error or "")


def test_a_server_elsewhere_must_have_starttls(
    store: Store, server: MailServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openrouter_toolkit.webhooks.mail.is_loopback", lambda host: False)
    webhook_id, _ = add(store, "ops@example.com")
    done = Deliverer(store, mail_server=server).test(webhook_id)
    assert "STARTTLS" in (done.error or "")
    assert mailbox.mails == []


def test_it_logs_in_where_it_has_a_password(store: Store, server: MailServer, mailbox: Mailbox) -> None:
    environment = {
        "OPENROUTER_TOOLKIT_SMTP": f"smtp://ops%40acme:p%40ss%20word@127.0.0.1:{server.port}",
        "OPENROUTER_TOOLKIT_MAIL_FROM": SENDER,
    }
    found = MailServer.from_environment(environment)
    assert found is not None
    assert "p@ss" not in repr(found)
    webhook_id, _ = add(store, "ops@example.com")
    assert Deliverer(store, mail_server=found).test(webhook_id).state == "delivered"
    assert mailbox.logins[0].login == b"ops@acme"
    wrong = MailServer.from_environment({**environment, "OPENROUTER_TOOLKIT_SMTP": found_url(found, "wrong")})
    done = Deliverer(store, mail_server=wrong).test(webhook_id)
    assert "answered 535" in (done.error or "")


def found_url(server: MailServer, password: str) -> str:
    return f"smtp://ops:{password}@{server.host}:{server.port}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, False)),
        ("smtps://mail.example.com", ("mail.example.com", 465, True)),
        ("smtp://user:secret@mail.example.com:2525/", ("mail.example.com", 2525, False)),
    ],
)
def test_the_environment_names_the_server(url: str, expected: tuple[str, int, bool]) -> None:
    variables = {"OPENROUTER_TOOLKIT_SMTP": url, "OPENROUTER_TOOLKIT_MAIL_FROM": SENDER}
    server = MailServer.from_environment(variables)
    assert server is not None
    assert (server.host, server.port, server.tls) == expected


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://h:x", "smtp://h/p"])
def test_what_names_no_server(url: str) -> None:
    variables = {"OPENROUTER_TOOLKIT_SMTP": url, "OPENROUTER_TOOLKIT_MAIL_FROM": SENDER}
    with pytest.raises(ValueError, match="give smtp://"):
        MailServer.from_environment(variables)
    with pytest.raises(ValueError, match="OPENROUTER_TOOLKIT_MAIL_FROM"):
        MailServer.from_environment({"OPENROUTER_TOOLKIT_SMTP": "smtp://mail.example.com"})
    assert MailServer.from_environment({}) is None
