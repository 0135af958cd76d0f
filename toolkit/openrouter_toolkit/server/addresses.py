"""Classifies request paths: API and MCP, OAuth discovery, or pages. Like the router, it looks at the path only."""

from __future__ import annotations

# Load balancers request these with any Host header. The answers contain nothing secret.
HEALTH = ("/healthz", "/readyz")
# Anybody who knows the address of such a page can use it, so the address must stay secret.
ONE_TIME_LINKS = ("/login/", "/connect/")
STATIC = "/static/"
MCP = "/mcp"
_PROGRAM_PREFIXES = ("/api", MCP)
_PAGE_PREFIXES = ("/admin", "/login", "/logout", "/connect", "/static")
# Where MCP clients look for OAuth, and for the older transport that streamable HTTP replaced.
_OAUTH_PREFIXES = (
    "/.well-known",
    "/authorize",
    "/introspect",
    "/jwks",
    "/message",
    "/messages",
    "/oauth",
    "/oauth2",
    "/register",
    "/revoke",
    "/sse",
    "/token",
    "/userinfo",
)


def is_for_programs(path: str) -> bool:
    """Whether a path belongs to the API or MCP, which need a token and answer in JSON."""
    return any(_is_below(path, prefix) for prefix in _PROGRAM_PREFIXES)


def is_for_mcp(path: str) -> bool:
    """Whether a path belongs to MCP, where a refusal is a JSON-RPC error."""
    return _is_below(path, MCP)


def is_for_oauth(path: str) -> bool:
    """Whether MCP clients look for OAuth at a path, where a refusal is an OAuth error."""
    return any(_is_below(path, prefix) for prefix in _OAUTH_PREFIXES)


def answers_json(path: str) -> bool:
    """Whether only programs use a path, so that every answer is JSON, whatever the Accept header says."""
    return is_for_programs(path) or is_for_oauth(path) or path in HEALTH


def is_page(path: str) -> bool:
    """Whether people open a path, so that errors there are pages, whatever the Accept header says."""
    return path == "/" or any(_is_below(path, prefix) for prefix in _PAGE_PREFIXES)


def area_of(path: str) -> str:
    """Return the part of the server that a path belongs to, for the log. It repeats no text from the request."""
    return next(
        (prefix for prefix in (*_PROGRAM_PREFIXES, *_PAGE_PREFIXES, *_OAUTH_PREFIXES) if _is_below(path, prefix)), "/"
    )


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")
