"""Access control: host names, client addresses, API tokens, browser sessions and forms."""
