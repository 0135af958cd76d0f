"""Which addresses are for whom. It is decided on the path alone, as the router decides."""

from __future__ import annotations

# What a load balancer asks by whatever name it likes. There is nothing to see.
HEALTH = ("/healthz", "/readyz")
# Whoever sees the address of such a page can use it, so it is told to nobody.
ONE_TIME_LINKS = ("/login/", "/connect/")
STATIC = "/static/"
MCP = "/mcp"
_FOR_PROGRAMS = ("/api", MCP)
_PAGES = ("/admin", "/login", "/logout", "/connect", "/static")
# Where MCP's clients look for OAuth, and for the transport that came before streamable HTTP.
_OAUTH = (
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
    """Whether an address is one of the API's or MCP's: it wants a token, and answers in JSON."""
    return any(_is_below(path, prefix) for prefix in _FOR_PROGRAMS)


def is_for_mcp(path: str) -> bool:
    """Whether an address is one of MCP's: a refusal there is an error of JSON-RPC."""
    return _is_below(path, MCP)


def is_for_oauth(path: str) -> bool:
    """Whether MCP's clients look for OAuth there: a refusal is an error of OAuth."""
    return any(_is_below(path, prefix) for prefix in _OAUTH)


def answers_json(path: str) -> bool:
    """Whether only programs ask there, so that each answer is JSON, whatever the request accepts."""
    return is_for_programs(path) or is_for_oauth(path) or path in HEALTH


def is_page(path: str) -> bool:
    """Whether people open an address: what goes wrong there is told by a page, whatever the request accepts."""
    return path == "/" or any(_is_below(path, prefix) for prefix in _PAGES)


def area_of(path: str) -> str:
    """The part of the server that an address belongs to, for the log: it repeats nothing of what anybody may write."""
    return next((prefix for prefix in (*_FOR_PROGRAMS, *_PAGES, *_OAUTH) if _is_below(path, prefix)), "/")


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")
