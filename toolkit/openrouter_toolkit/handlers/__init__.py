"""Handlers: one function per action, with only what is special about its endpoint."""
