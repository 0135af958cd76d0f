"""A toolkit whose handler does not let itself be ended, as a name look-up that hangs."""
