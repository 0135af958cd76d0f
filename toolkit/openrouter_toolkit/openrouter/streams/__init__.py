"""Streamed answers: read their events, pass them to a listener, and assemble the complete answer."""
