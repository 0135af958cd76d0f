"""HTTP for any API client: pooled connections, bodies with size limits, retries, server-sent events."""
