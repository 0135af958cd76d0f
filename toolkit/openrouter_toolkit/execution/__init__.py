"""The way of a call: find the action, check whether it is allowed, validate, resolve credentials, run, redact."""
