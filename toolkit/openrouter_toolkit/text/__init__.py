"""Text from strangers made safe: cleaned, quoted, redacted; close matches of names; JMESPath within limits."""
