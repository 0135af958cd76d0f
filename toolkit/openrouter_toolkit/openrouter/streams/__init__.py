"""Streamed answers: read event by event, handed to a listener, and assembled."""
