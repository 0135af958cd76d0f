"""Text tools: sanitize and redact untrusted text, find close matches of names, run JMESPath within limits."""
