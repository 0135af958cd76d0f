"""Addresses as people enter them."""

from __future__ import annotations

import pytest

from openrouter_toolkit.webhooks import InvalidAddress, read_address


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("https://hooks.example.com/a/b", "http", "https://hooks.example.com/a/b"),
        (" https://example.com:8443/?token=abc ", "http", "https://example.com:8443/?…"),
        ("https://hooks.slack.com/services/T0/B0/abcdefgh", "slack", "https://hooks.slack.com/…efgh"),
        ("ops@example.com", "email", "ops@example.com"),
    ],
)
def test_kinds(text: str, kind: str, shown: str) -> None:
    assert read_address(text) == (kind, text.strip(), shown)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "https URL"),
        ("example.com/hook", "https URL"),
        ("ftp://example.com/", "https URL"),
        ("https://", "https URL"),
        ("https:///path", "https URL"),
        ("https://exämple.com/", "ASCII"),
        ("https://example.com/a b", "ASCII"),
        ("https://example.com/\n", None),
        ("https://example.com/a\nb", "ASCII"),
        ("https://example.com:0/", "https URL"),
        ("https://example.com:99999/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://user:password@example.com/", "no user name"),
        ("https://example.com/#part", "no fragment"),
        ("https://example.com\\@evil.example/", "https URL"),
        ("http://example.com/", "must be https"),
        ("https://127.0.0.1/", "not on the public internet"),
        ("https://[::1]/", "not on the public internet"),
        ("https://localhost:8000/", "not on the public internet"),
        ("https://" + "a" * 2000, "ASCII"),
        ("a@b", "no e-mail address"),
        ("two@example.com,three@example.com", "no e-mail address"),
        ("a@example.com\nBcc: b@example.com", "no e-mail address"),
        ("<a@example.com>", "no e-mail address"),
        ("@example.com", "no e-mail address"),
    ],
)
def test_what_can_not_be_used(text: str, why: str | None) -> None:
    if why is None:  # space around it is left out
        assert read_address(text)[0] == "http"
        return
    with pytest.raises(InvalidAddress, match=why):
        read_address(text)


def test_what_the_operator_may_allow() -> None:
    assert read_address("http://localhost:8000/x", private=True)[0] == "http"
    with pytest.raises(InvalidAddress, match="OPENROUTER_TOOLKIT_SMTP"):
        read_address("ops@example.com", email=False)
