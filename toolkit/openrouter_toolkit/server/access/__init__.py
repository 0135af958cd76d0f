"""Access control: hosts, tokens, sessions, forms, limits. Plain ASGI middleware, so that streams close at once."""
