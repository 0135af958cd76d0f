"""Pages: the marketplace, a tool's details, and the secure page where an account is connected. No script is needed."""
