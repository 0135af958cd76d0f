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
        ("a GitHub token", r"(?:gh[pousr]_|github_pat_)\w{20}"),
        ("a GitLab token", r"glpat-[\w-]{16}"),
        ("an AWS access key", r"(?:AKIA|ASIA)[0-9A-Z]{16}$"),
        ("a Google API key", r"AIza[\w-]{30}"),
        ("a Slack token", r"xox[abeprs]-\w"),
        ("a Stripe key", r"(?:sk|rk|pk)_(?:live|test)_\w"),
        ("a Hugging Face token", r"hf_[A-Za-z0-9]{20}"),
        ("a Groq key", r"gsk_\w{20}"),
        ("an xAI key", r"xai-\w{20}"),
        ("a private key", r"-----BEGIN "),
    )
)
_OWN_TOKEN = re.compile(r"ort_[0-9A-Za-z]{20}")
_SETTING = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]{0,63})\s*=\s*\S")
_AUTHORIZATION = re.compile(r"(?:Authorization:\s*)?Bearer\s", re.IGNORECASE)


def why_foreign(field: AuthField, value: str) -> str | None:
    """Return why a value can't be meant for a field, in a sentence without the value; None if it may be.

    Other services' keys are recognized only for a field whose manifest says by `prefix` how its values begin.
    """
    if field.prefix and value.startswith(field.prefix):
        return None
    if _OWN_TOKEN.match(value):
        return f"This is an API token of this server, by which agents call it, not the {field.title}."
    if setting := _SETTING.match(value):
        return f"This is a line of a settings file. Enter only what stands behind {setting[1]}=."
    if _AUTHORIZATION.match(value):
        return "This is a header. Enter only what stands behind Bearer."
    if field.prefix:
        kind = next((name for name, pattern in _KINDS if pattern.match(value)), None)
        if kind:
            return f"This is {kind}. The {field.title} that is asked for begins with {field.prefix}."
    return None
