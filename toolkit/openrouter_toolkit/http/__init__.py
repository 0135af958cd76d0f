"""HTTP as any API's client needs it: connections, bodies within limits, retries, server-sent events."""
