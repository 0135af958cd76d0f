"""Classifies request paths: API and MCP, OAuth discovery, or pages. Like the router, it looks at the path only."""

from __future__ import annotations

# Load balancers request these with any Host header. The answers contain nothing secret.
HEALTH = ("/healthz", "/readyz")
METRICS = "/metrics"
# Anybody who knows the address of such a page can use it, so the address must stay secret.
ONE_TIME_LINKS = ("/login/", "/connect/")
STATIC = "/static/"
MCP = "/mcp"
# A session's MCP address: its clients send the token as Composio's API key.
MCP_SESSIONS = f"{MCP}/session"
COMPOSIO = ("/api/v3.1", "/api/v3")
_PROGRAMS = {"/api", MCP}
_PAGES = {"/admin", "/login", "/logout", "/logos", "/connect", "/static"}
# Where MCP clients look for OAuth, and for the older transport that streamable HTTP replaced.
_OAUTH = {
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
}


def area_of(path: str) -> str:
    """Return the part of the server that a path belongs to, or `/`. It repeats no other text from the request."""
    first = "/".join(path.split("/", 2)[:2])
    return first if first in _PROGRAMS | _PAGES | _OAUTH else "/"


def is_for_programs(path: str) -> bool:
    """Whether a path belongs to the API or MCP, which need a token and answer in JSON."""
    return area_of(path) in _PROGRAMS


def is_for_composio(path: str) -> bool:
    """Whether a path belongs to Composio's API, which has its own header for the token and its own errors."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in COMPOSIO)


def takes_api_key(path: str) -> bool:
    """Whether the token may come in the header x-api-key."""
    return is_for_composio(path) or path.startswith(f"{MCP_SESSIONS}/")


def is_for_mcp(path: str) -> bool:
    """Whether a path belongs to MCP, where a refusal is a JSON-RPC error."""
    return area_of(path) == MCP


def is_for_oauth(path: str) -> bool:
    """Whether MCP clients look for OAuth at a path, where a refusal is an OAuth error."""
    return area_of(path) in _OAUTH


def for_administrators(path: str) -> bool:
    """Whether only a logged-in administrator has any use for a path's forms."""
    return area_of(path) in ("/admin", "/logout")


def answers_json(path: str) -> bool:
    """Whether only programs use a path, so that every answer is JSON, whatever the Accept header says."""
    return area_of(path) in _PROGRAMS | _OAUTH or path in (*HEALTH, METRICS)


def is_page(path: str) -> bool:
    """Whether people open a path, so that errors there are pages, whatever the Accept header says."""
    return path == "/" or area_of(path) in _PAGES
