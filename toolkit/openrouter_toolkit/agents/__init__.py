"""Adapters for agent frameworks: one module each, which imports its framework only inside its functions."""
