"""Recognizes secrets that are plainly not a toolkit's keys: other services' keys, lines of settings files."""

from __future__ import annotations

import re

from ..manifest import AuthField

# What each kind is called, and how it begins; the first that matches counts.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("an OpenRouter key", r"sk-or-"),
        ("an Anthropic key", r"sk-ant-"),
        ("an OpenAI key", r"sk-(?:proj|svcacct|admin)-"),
        ("a GitHub token", r"gh[pousr]_|github_pat_"),
        ("a GitLab token", r"glpat-"),
        ("an AWS access key", r"(?:AKIA|ASIA)[0-9A-Z]{4}"),
        ("a Google API key", r"AIza"),
        ("a Slack token", r"xox[abeprs]-"),
        ("a Stripe key", r"(?:sk|rk|pk)_(?:live|test)_"),
        ("a Hugging Face token", r"hf_"),
        ("a Groq key", r"gsk_"),
        ("an xAI key", r"xai-"),
        ("a private key", r"-----BEGIN "),
        ("another service's key", r"sk-[A-Za-z0-9]{16}"),
    )
)
_OWN_TOKEN = re.compile(r"ort_[0-9A-Za-z]{20}")
_SETTING = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]{0,63})\s*=\s*[^\s=]")
# Where a value may be anything, such as a password, only a name like OPENROUTER_API_KEY shows that it is a line.
_CERTAIN_SETTING = re.compile(r"(?:export\s+)?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+){1,9})\s*=\s*[^\s=]")
_AUTHORIZATION = re.compile(r"(?:Authorization:\s*)?Bearer\s", re.IGNORECASE)


def why_too_much(field: AuthField, value: str) -> str | None:
    """Return why a value is more than what a field asks for, in a sentence without the value; None if it is not."""
    if setting := (_SETTING if field.prefix else _CERTAIN_SETTING).match(value):
        return f"This is a line of a settings file. Enter only what stands behind {setting[1]}=."
    if _AUTHORIZATION.match(value):
        return "This is a header. Enter only what stands behind Bearer."
    return None


def why_foreign(field: AuthField, value: str) -> str | None:
    """Return why a value can't be meant for a field, in a sentence without the value; None if it may be.

    Other services' keys are recognized only for a field whose manifest says by `prefix` how its values begin.
    """
    if field.prefix and value.startswith(field.prefix):
        return None
    if _OWN_TOKEN.match(value):
        return f"This is an API token of this server, by which agents call it, not the {field.title}."
    kind = next((name for name, pattern in _KINDS if pattern.match(value)), None)
    if field.prefix and kind:
        return f"This is {kind}. The {field.title} that is asked for begins with {field.prefix}."
    return None
