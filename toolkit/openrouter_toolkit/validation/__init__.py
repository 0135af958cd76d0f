"""Validation of arguments against JSON Schema."""
