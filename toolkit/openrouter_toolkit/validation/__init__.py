"""Arguments checked against JSON Schema."""
