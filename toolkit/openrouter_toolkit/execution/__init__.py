"""Executing a call: find the action, check that it is allowed, validate, resolve credentials, run, redact."""
